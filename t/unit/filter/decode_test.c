#include "fake_coding.h"

#include "filter/exchange_state.h"

/* Bodies whose coding is taken off on their way: what filters see of them, what their heads say then, and bodies that
 * are not what their heads say. */

static struct world *make_world(void)
{
    struct world *world = world_create();
    use_fake_coding(world);
    world->request_pieces[0] = "a3";
    world->request_pieces[1] = "b9c";
    world->request_pieces[2] = "1";
    world->request_piece_count = 3;
    world->pieces[0] = "x";
    world->pieces[1] = "9y1";
    world->pieces[2] = "z2";
    world->piece_count = 3;
    world->body_length = 6;
    return world;
}

static void destroy_world(struct world *world)
{
    world_destroy(world);
    assert_int_equal(fake_codings.open, 0);
}

static void add_field(struct world *world, struct headers *headers, const char *name, const char *value)
{
    headers_add(headers, &world->exchange->arena, slice_from_text(name), slice_from_text(value));
}

static void open_coded(struct world *world, const char *method)
{
    open_exchange(world, method);
    add_field(world, &world->exchange->request.headers, "content-encoding", "run");
    add_field(world, &world->exchange->response.headers, "Content-Encoding", "Run");
}

static void begin(struct world *world)
{
    open_coded(world, "POST");
    stream_request(world, 6);
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static void upload(struct world *world)
{
    while (world->exchange != NULL && world->exchange->streams_request && !world->is_request_ended) {
        exchange_pull_request(world->exchange);
        run_world(world);
    }
}

static flexilib_answer decode(struct call *call)
{
    bool is_request = call->core->status(call->exchange) == 0;
    assert_true(call->core->decode(call->exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer note(struct call *call)
{
    text_print(&call->script->world->trace, "<%.*s> ", (int)call->length, call->data);
    return act_pass(call);
}

static void plain_bytes_come_from_there_on(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, note, NULL, note}}, b = {.acts = {decode, note, decode, note}};
    struct script c = {.acts = {NULL, note, NULL, note}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    world->is_silent = true;
    begin(world);
    assert_null(strstr(world->final_request, "content-encoding"));
    assert_int_equal(world->exchange->request_length, -1);
    expect_trace(world, "a.request b.request c.request forward ");
    upload(world);
    expect_trace(world,
                 "ask a.request_body <a3> b.request_body <aaa> c.request_body <aaa> upload "
                 "ask a.request_body <b9c> b.request_body <bbbb> c.request_body <bbbb> upload "
                 "b.request_body <bbbb> c.request_body <bbbb> upload b.request_body <b> c.request_body <b> upload "
                 "ask a.request_end <1> b.request_end <c> c.request_end <c> upload_end ");
    world->is_silent = false;
    deliver_head(world);
    run_world(world);
    assert_string_equal(world->upload.data, "aaabbbbbbbbbc");
    assert_string_equal(world->body.data, "xxxxxxxxxyzz");
    assert_string_equal(world->final_headers, "from: upstream\n");
    assert_int_equal(world->final_length, -1);
    expect_trace(world,
                 "c.response b.response a.response head pull c.response_body <x> pull c.response_body <9y1> "
                 "b.response_body <xxxx> a.response_body <xxxx> body flush b.response_body <xxxx> a.response_body "
                 "<xxxx> body flush b.response_body <xy> a.response_body <xy> body flush pull c.response_end <z2> "
                 "b.response_end <zz> a.response_end <zz> last c.end b.end a.end finished ");
    destroy_world(world);
}

static void pieces_are_taken_one_at_a_time(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode}};
    add_filter(world, &a, "a");
    world->is_stuck = true;
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    expect_trace(world, "a.request forward a.response head pull pull body flush ");
    assert_string_equal(world->body.data, "xxxx");
    finish_sending(world);
    expect_trace(world, "body flush ");
    assert_string_equal(world->body.data, "xxxxxxxx");
    exchange_gone(world->exchange);
    destroy_world(world);
}

static void a_filter_may_collect_what_was_decoded(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, note, NULL, note}};
    struct script b = {.acts = {act_collect, note, act_collect_response, note}}, c = {.acts = {decode, NULL, decode}};
    add_filter(world, &c, "c");
    add_filter(world, &b, "b");
    add_filter(world, &a, "a");
    begin(world);
    upload(world);
    assert_null(world->exchange);
    assert_non_null(strstr(world->trace.data, "b.request_end <aaabbbbbbbbbc> a.request a.request_end <aaabbbbbbbbbc> "
                                              "forward "));
    assert_string_equal(world->body.data, "xxxxxxxxxyzz");
    destroy_world(world);
}

static flexilib_answer decode_and_collect_response(struct call *call)
{
    decode(call);
    return act_collect_response(call);
}

static void the_length_is_that_of_the_plain_body(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, NULL, decode_and_collect_response, act_pass}};
    add_filter(world, &a, "a");
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_int_equal(world->final_length, 12);
    assert_string_equal(world->body.data, "xxxxxxxxxyzz");
    destroy_world(world);
}

static void a_request_at_hand_goes_on_whole_or_in_pieces(void **state)
{
    static const struct {
        const char *coded, *plain;
        bool is_whole;
    } rows[] = {{"a3", "aaa", true}, {"a9b1", "aaaaaaaaab", false}, {"", "", true}};
    for (size_t i = 0; i < 3; ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {decode}};
        add_filter(world, &a, "a");
        world->is_silent = true;
        open_coded(world, "POST");
        world->exchange->request_body = slice_from_text(rows[i].coded);
        exchange_start(world->exchange, &world->chain);
        assert_int_equal(world->exchange->streams_request, !rows[i].is_whole);
        assert_false(exchange_may_pull_request(world->exchange));
        if (rows[i].is_whole) {
            assert_true(slice_equals(world->exchange->request_body, slice_from_text(rows[i].plain)));
        } else {
            assert_int_equal(world->exchange->request_length, -1);
            upload(world);
            assert_string_equal(world->upload.data, rows[i].plain);
        }
        exchange_gone(world->exchange);
        destroy_world(world);
    }
}

static void what_was_said_of_the_bytes_goes(void **state)
{
    static const char *const methods[] = {"GET", "HEAD"};
    for (int i = 0; i < 2; ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {decode, NULL, decode}};
        add_filter(world, &a, "a");
        open_coded(world, methods[i]);
        struct headers *request = &world->exchange->request.headers, *response = &world->exchange->response.headers;
        add_field(world, request, "Digest", "sha-256=x");
        add_field(world, response, "ETag", "\"tag\"");
        add_field(world, response, "Content-MD5", "x");
        add_field(world, response, "Repr-Digest", "x");
        add_field(world, response, "accept-ranges", "bytes");
        add_field(world, response, "vary", "accept-encoding");
        world->exchange->request_body = SLICE_NONE;
        exchange_start(world->exchange, &world->chain);
        run_world(world);
        assert_string_equal(world->final_headers, "ETag: W/\"tag\"\nvary: accept-encoding\nfrom: upstream\n");
        assert_null(strstr(world->final_request, "igest"));
        assert_int_equal(world->final_length, -1);
        destroy_world(world);
    }
}

static flexilib_answer decode_in_vain(struct call *call)
{
    bool is_request = call->core->status(call->exchange) == 0;
    assert_false(call->core->decode(call->exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer decode_nothing(struct call *call)
{
    assert_false(call->core->decode(call->exchange, 2));
    return decode(call);
}

static void what_cannot_be_decoded_stays_as_it_is(void **state)
{
    static const struct {
        const char *coding;
        int status;
        act act;
    } rows[] = {
        {"other", 200, decode_in_vain},    {"run, run", 200, decode_in_vain}, {"run", 206, decode_in_vain},
        {"identity", 200, decode_nothing}, {"", 200, decode_nothing},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = rows[i].act}};
        add_filter(world, &a, "a");
        world->status = rows[i].status;
        open_exchange(world, "GET");
        add_field(world, &world->exchange->response.headers, "content-encoding", rows[i].coding);
        exchange_start(world->exchange, &world->chain);
        run_world(world);
        assert_string_equal(world->body.data, "x9y1z2");
        assert_int_equal(world->final_length, 6);
        assert_non_null(strstr(world->final_headers, "content-encoding: "));
        destroy_world(world);
    }
}

static void nobody_decodes_twice(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode}}, b = {.acts = {[HOOK_RESPONSE_HEAD] = decode}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_string_equal(world->body.data, "xxxxxxxxxyzz");
    destroy_world(world);
}

static flexilib_answer decode_without_body(struct call *call)
{
    call->core->set_status(call->exchange, 304);
    decode(call);
    call->core->set_status(call->exchange, 200);
    return FLEXILIB_CONTINUE;
}

static void a_status_that_comes_later_makes_no_difference(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode_without_body}};
    add_filter(world, &a, "a");
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_string_equal(world->body.data, "xxxxxxxxxyzz");
    destroy_world(world);
}

static flexilib_answer prepare(struct call *call)
{
    assert_true(call->core->decode(call->exchange, FLEXILIB_RESPONSE));
    return FLEXILIB_CONTINUE;
}

static void servers_are_asked_for_what_can_be_decoded(void **state)
{
    static const char *const rows[][2] = {
        {"gzip, run;q=0.5, br", "run;q=0.5"},
        {"gzip", "identity"},
        {"*", "identity"},
        {"run, identity;q=0, *;q=0", "run, identity;q=0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {prepare}};
        add_filter(world, &a, "a");
        open_exchange(world, "GET");
        add_field(world, &world->exchange->request.headers, "Accept-Encoding", rows[i][0]);
        add_field(world, &world->exchange->request.headers, "Range", "bytes=1-");
        add_field(world, &world->exchange->request.headers, "If-Range", "\"x\"");
        exchange_start(world->exchange, &world->chain);
        run_world(world);
        char expected[128];
        snprintf(expected, sizeof(expected), "\nAccept: */*\nAccept-Encoding: %s\n\n", rows[i][1]);
        assert_non_null(strstr(world->final_request, expected));
        destroy_world(world);
    }
}

static void broken_bodies_are_answered_or_cut(void **state)
{
    static const char *const ends[] = {"zz", "z"};
    for (int i = 0; i < 2; ++i) {
        /* the response: its head is held, or not */
        for (int is_held = 0; is_held < 2; ++is_held) {
            struct world *world = make_world();
            struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = is_held ? decode_and_collect_response : decode,
                                        [HOOK_RESPONSE_BODY] = act_pass}};
            add_filter(world, &a, "a");
            world->pieces[2] = ends[i];
            open_coded(world, "GET");
            exchange_start(world->exchange, &world->chain);
            run_world(world);
            assert_int_equal(world->is_aborted, !is_held);
            assert_int_equal(world->final_status, is_held ? 502 : 200);
            destroy_world(world);
        }
        struct world *world = make_world();
        struct script a = {.acts = {decode}};
        add_filter(world, &a, "a");
        world->is_silent = true;
        world->request_pieces[2] = ends[i];
        begin(world);
        exchange_pull_request(world->exchange);
        for (int j = 0; j < 8 && world->exchange != NULL; ++j) {
            exchange_pull_request(world->exchange);
            run_world(world);
        }
        assert_int_equal(world->final_status, 400);
        assert_false(world->is_request_ended);
        destroy_world(world);
    }
}

static void a_plain_body_has_the_limit_of_a_coded_one(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {decode}};
    add_filter(world, &a, "a");
    world->is_silent = true;
    open_coded(world, "POST");
    stream_request(world, 6);
    world->exchange->body_limit_bytes = 12;
    exchange_start(world->exchange, &world->chain);
    for (int i = 0; i < 8 && world->exchange != NULL; ++i) {
        exchange_pull_request(world->exchange);
        run_world(world);
    }
    assert_int_equal(world->final_status, 413);
    destroy_world(world);
}

static void without_room_it_is_refused(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode_in_vain}};
    add_filter(world, &a, "a");
    fake_codings.most = 0;
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_string_equal(world->body.data, "x9y1z2");
    destroy_world(world);
}

static void without_decoders_no_coding_is_known(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode_in_vain}};
    add_filter(world, &a, "a");
    runtime_use_decodings(world->runtime, NULL, NULL);
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_string_equal(world->body.data, "x9y1z2");
    destroy_world(world);
}

static void a_replaced_response_is_decoded_no_further(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, NULL, decode_and_collect_response, act_reply}}, b = {0};
    add_filter(world, &b, "b");
    add_filter(world, &a, "a");
    open_coded(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_string_equal(world->body.data, "<no>");
    assert_int_equal(world->final_length, 4);
    destroy_world(world);
}

static void trailers_of_a_decoded_body_are_dropped(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = decode}};
    add_filter(world, &a, "a");
    world->keeps_exchange = true;
    open_coded(world, "GET");
    add_field(world, &world->exchange->response_trailers, "x", "y");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_int_equal(world->exchange->response_trailers.count, 0);
    exchange_destroy(world->exchange);
    destroy_world(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_come_from_there_on),
        cmocka_unit_test(pieces_are_taken_one_at_a_time),
        cmocka_unit_test(a_filter_may_collect_what_was_decoded),
        cmocka_unit_test(the_length_is_that_of_the_plain_body),
        cmocka_unit_test(a_request_at_hand_goes_on_whole_or_in_pieces),
        cmocka_unit_test(what_was_said_of_the_bytes_goes),
        cmocka_unit_test(what_cannot_be_decoded_stays_as_it_is),
        cmocka_unit_test(nobody_decodes_twice),
        cmocka_unit_test(a_status_that_comes_later_makes_no_difference),
        cmocka_unit_test(servers_are_asked_for_what_can_be_decoded),
        cmocka_unit_test(broken_bodies_are_answered_or_cut),
        cmocka_unit_test(a_plain_body_has_the_limit_of_a_coded_one),
        cmocka_unit_test(without_room_it_is_refused),
        cmocka_unit_test(without_decoders_no_coding_is_known),
        cmocka_unit_test(a_replaced_response_is_decoded_no_further),
        cmocka_unit_test(trailers_of_a_decoded_body_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
