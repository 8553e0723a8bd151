#include "fake.h"

#include "filter/body_store.h"

/* Request bodies that come by demand: asked for by whoever the request was forwarded to, with or without filters that
 * look at the pieces, or collected for filters that want them whole; and what becomes of exchanges whose body does not
 * come to its end. */

static struct world *make_world(void)
{
    struct world *world = world_create();
    world->request_pieces[0] = "one ";
    world->request_pieces[1] = "two ";
    world->request_pieces[2] = "three";
    world->request_piece_count = 3;
    world->is_silent = true;
    return world;
}

static void begin(struct world *world, int64_t length)
{
    open_exchange(world, "POST");
    stream_request(world, length);
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static void answer(struct world *world)
{
    world->is_silent = false;
    deliver_head(world);
    run_world(world);
    assert_null(world->exchange);
}

static void pieces_go_to_the_upstream_as_it_asks(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {0};
        add_filter(world, &a, "a");
        world->is_request_late = is_late;
        begin(world, 13);
        expect_trace(world, "a.request forward ");
        for (int i = 0; i < 3; ++i) {
            assert_true(exchange_may_pull_request(world->exchange));
            exchange_pull_request(world->exchange);
            run_world(world);
            expect_trace(world, i < 2 ? "ask upload " : "ask upload_end ");
        }
        assert_false(exchange_may_pull_request(world->exchange));
        exchange_pull_request(world->exchange);
        expect_trace(world, "");
        assert_string_equal(world->upload.data, "one two three");
        answer(world);
        world_destroy(world);
    }
}

static void pieces_pass_their_hooks_as_the_upstream_asks(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_REQUEST_BODY] = act_pass}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->is_request_late = is_late;
        begin(world, 13);
        expect_trace(world, "a.request b.request forward ");
        assert_true(world->exchange->streams_request);
        assert_int_equal(world->exchange->request_length, -1);
        for (int i = 0; i < 3; ++i) {
            exchange_pull_request(world->exchange);
            run_world(world);
            expect_trace(world, i < 2 ? "ask b.request_body upload " : "ask b.request_end upload_end ");
        }
        assert_string_equal(world->upload.data, "one two three");
        answer(world);
        world_destroy(world);
    }
}

static void a_filter_that_collects_gets_all_at_once(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {act_collect, act_pass}}, c = {0};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        add_filter(world, &c, "c");
        world->is_request_late = is_late;
        begin(world, -1);
        expect_trace(world, "a.request b.request ask ask ask b.request_end c.request forward ");
        assert_non_null(strstr(world->final_request, "one two three"));
        assert_false(world->exchange->streams_request);
        answer(world);
        world_destroy(world);
    }
}

static void one_piece_need_not_be_copied(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_collect, act_pass}};
    add_filter(world, &a, "a");
    world->request_piece_count = 1;
    begin(world, 4);
    assert_ptr_equal(world->exchange->request_body.data, world->lent_request);
    answer(world);
    world_destroy(world);
}

static void a_filter_that_replies_has_nothing_read(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_reply, [HOOK_REQUEST_BODY] = act_pass}};
    add_filter(world, &a, "a");
    begin(world, 13);
    expect_trace(world, "a.request head last a.end finished ");
    assert_int_equal(world->final_status, 403);
    world_destroy(world);
}

static void what_is_too_large_is_refused(void **state)
{
    static const struct {
        int64_t length;
        uint64_t limit;
        const char *trace;
    } rows[] = {
        {13, 12, "head last finished "},
        {-1, 12, "a.request ask ask ask a.response head last a.end finished "},
        {-1, 3, "a.request ask a.response head last a.end finished "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {act_collect, act_pass}};
        add_filter(world, &a, "a");
        open_exchange(world, "POST");
        stream_request(world, rows[i].length);
        world->exchange->body_limit_bytes = rows[i].limit;
        exchange_start(world->exchange, &world->chain);
        run_world(world);
        expect_trace(world, rows[i].trace);
        assert_int_equal(world->final_status, 413);
        world_destroy(world);
    }
}

static void what_grows_too_large_leaves_the_upstream(void **state)
{
    struct world *world = make_world();
    open_exchange(world, "POST");
    stream_request(world, -1);
    world->exchange->body_limit_bytes = 6;
    exchange_start(world->exchange, &world->chain);
    exchange_pull_request(world->exchange);
    exchange_pull_request(world->exchange);
    run_world(world);
    expect_trace(world, "forward ask upload ask cancel head last finished ");
    assert_int_equal(world->final_status, 413);
    assert_string_equal(world->upload.data, "one ");
    world_destroy(world);
}

static void a_body_that_breaks_off_is_answered_or_cuts(void **state)
{
    for (int has_begun = 0; has_begun < 2; ++has_begun) {
        struct world *world = make_world();
        world->is_asynchronous = true;
        begin(world, -1);
        exchange_pull_request(world->exchange);
        if (has_begun)
            deliver_head(world);
        text_clear(&world->trace);
        exchange_request_fail(world->exchange, 400, SLICE("bad"));
        run_world(world);
        expect_trace(world, has_begun ? "cancel abort finished " : "cancel head last finished ");
        if (!has_begun)
            assert_int_equal(world->final_status, 400);
        assert_false(world->is_request_ended);
        world_destroy(world);
    }
}

static void what_nobody_wants_cannot_fail(void **state)
{
    struct world *world = make_world();
    world->is_stuck = true;
    begin(world, -1);
    world->is_silent = false;
    deliver_head(world);
    assert_true(world->is_sending);
    assert_false(exchange_may_pull_request(world->exchange));
    exchange_request_fail(world->exchange, 408, SLICE("late"));
    assert_false(world->is_aborted);
    world->is_stuck = false;
    run_world(world);
    assert_int_equal(world->final_status, 200);
    world_destroy(world);
}

static void a_client_that_leaves_while_it_sends_ends_the_exchange(void **state)
{
    for (int is_collected = 0; is_collected < 2; ++is_collected) {
        struct world *world = make_world();
        struct script a = {0};
        if (is_collected) {
            a.acts[HOOK_REQUEST_HEAD] = act_collect;
            a.acts[HOOK_REQUEST_BODY] = act_pass;
        }
        add_filter(world, &a, "a");
        world->is_request_late = true;
        open_exchange(world, "POST");
        stream_request(world, 13);
        exchange_start(world->exchange, &world->chain);
        exchange_pull_request(world->exchange);
        exchange_gone(world->exchange);
        expect_trace(world,
                     is_collected ? "a.request ask a.end finished " : "a.request forward ask cancel a.end finished ");
        world_destroy(world);
    }
}

static void a_large_body_is_collected_in_a_file(void **state)
{
    enum {
        PIECE_BYTES = 100 * 1000,
        PIECES = 50,
    };
    struct body_store store = {0};
    struct slice whole;
    char *piece = malloc(PIECE_BYTES);
    for (int i = 0; i < PIECES; ++i) {
        memset(piece, 'a' + i % 26, PIECE_BYTES);
        assert_true(body_store_add(&store, slice_of(piece, PIECE_BYTES), BODY_STORE_MEMORY_BYTES));
        assert_true(body_store_add(&store, SLICE_NONE, BODY_STORE_MEMORY_BYTES));
        assert_int_equal(store.fd != 0, (i + 1) * PIECE_BYTES > BODY_STORE_MEMORY_BYTES);
    }
    assert_true(body_store_read(&store, &whole));
    assert_int_equal(whole.length, PIECES * PIECE_BYTES);
    for (int i = 0; i < PIECES; ++i) {
        memset(piece, 'a' + i % 26, PIECE_BYTES);
        assert_memory_equal(whole.data + (size_t)i * PIECE_BYTES, piece, PIECE_BYTES);
    }
    body_store_finish(&store);
    assert_true(body_store_is_empty(&store));
    free(piece);
}

static void a_file_that_cannot_be_had_is_told(void **state)
{
    struct body_store store = {0};
    char *piece = calloc(1, BODY_STORE_MEMORY_BYTES + 1);
    setenv("TMPDIR", "/nowhere/to/be/found", 1);
    assert_false(body_store_add(&store, slice_of(piece, BODY_STORE_MEMORY_BYTES + 1), BODY_STORE_MEMORY_BYTES));
    unsetenv("TMPDIR");
    body_store_finish(&store);
    free(piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_go_to_the_upstream_as_it_asks),
        cmocka_unit_test(pieces_pass_their_hooks_as_the_upstream_asks),
        cmocka_unit_test(a_filter_that_collects_gets_all_at_once),
        cmocka_unit_test(one_piece_need_not_be_copied),
        cmocka_unit_test(a_filter_that_replies_has_nothing_read),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_grows_too_large_leaves_the_upstream),
        cmocka_unit_test(a_body_that_breaks_off_is_answered_or_cuts),
        cmocka_unit_test(what_nobody_wants_cannot_fail),
        cmocka_unit_test(a_client_that_leaves_while_it_sends_ends_the_exchange),
        cmocka_unit_test(a_large_body_is_collected_in_a_file),
        cmocka_unit_test(a_file_that_cannot_be_had_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
