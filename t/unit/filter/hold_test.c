#include "fake.h"

/* Heads that wait for the body: filters that collect it or hold the head, in either half; limits; what is left of it
 * when such a filter fails; filters that skip a body, or only observe it; libraries from before bodies came in pieces.
 */

static struct world *make_world(void)
{
    struct world *world = world_create();
    world->request_pieces[0] = "one ";
    world->request_pieces[1] = "two ";
    world->request_pieces[2] = "three";
    world->request_piece_count = 3;
    world->pieces[0] = "he";
    world->pieces[1] = "llo";
    world->pieces[2] = "!";
    world->piece_count = 3;
    world->body_length = 6;
    return world;
}

static void begin(struct world *world, int64_t length)
{
    open_exchange(world, "POST");
    stream_request(world, length);
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static flexilib_answer change_heads_and_pass(struct call *call)
{
    const struct flexilib_core *core = call->core;
    if (call->last && call->length == 0)
        return FLEXILIB_CONTINUE;
    flexilib_half half = call->script->acts[HOOK_REQUEST_HEAD] != NULL ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE;
    assert_true(core->set_header(call->exchange, half, FLEXILIB_ARG("x-body"), call->data, call->length));
    if (half == FLEXILIB_REQUEST)
        assert_true(core->set_path(call->exchange, FLEXILIB_ARG("/changed")));
    else
        assert_true(core->set_status(call->exchange, 201));
    return act_pass(call);
}

static void a_request_head_is_held_for_the_first_piece(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {.acts = {act_hold, change_heads_and_pass}}, b = {.acts = {NULL, act_pass}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->is_silent = true;
        world->is_request_late = is_late;
        world->request_pieces[0] = "one";
        begin(world, 12);
        expect_trace(world, "a.request ask a.request_body b.request forward ");
        assert_string_equal(world->final_request, "POST /changed?q=1\nAccept: */*\nx-body: one\n\n");
        assert_int_equal(world->exchange->request_length, -1);
        exchange_pull_request(world->exchange);
        run_world(world);
        expect_trace(world, "b.request_body upload ");
        a.acts[HOOK_REQUEST_BODY] = act_pass;
        exchange_pull_request(world->exchange);
        run_world(world);
        expect_trace(world, "ask a.request_body b.request_body upload ");
        assert_string_equal(world->upload.data, "onetwo ");
        exchange_gone(world->exchange);
        world_destroy(world);
    }
}

static flexilib_answer pass_the_second(struct call *call)
{
    return call->script->text[0]++ == 1 ? act_pass(call) : FLEXILIB_CONTINUE;
}

static void it_is_held_until_something_is_sent_on(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold, pass_the_second}};
    add_filter(world, &a, "a");
    world->is_silent = true;
    begin(world, 13);
    expect_trace(world, "a.request ask a.request_body ask a.request_body forward ");
    exchange_pull_request(world->exchange);
    expect_trace(world, "upload ");
    assert_string_equal(world->upload.data, "two ");
    exchange_gone(world->exchange);
    world_destroy(world);
}

static void or_until_the_body_is_over(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold, act_drop}}, b = {.acts = {NULL, act_pass}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world, 13);
    expect_trace(world, "a.request ask a.request_body ask a.request_body ask a.request_end b.request b.request_end "
                        "forward b.response a.response head pull body flush pull body flush pull last b.end a.end "
                        "finished ");
    assert_non_null(strstr(world->final_request, "*/*\n\n"));
    world_destroy(world);
}

static void a_response_head_is_held_likewise(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}};
    struct script b = {
        .acts = {[HOOK_RESPONSE_HEAD] = act_hold_response, [HOOK_RESPONSE_BODY] = change_heads_and_pass}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->is_asynchronous = world->is_silent = true;
    open_exchange(world, "GET");
    exchange_start(world->exchange, &world->chain);
    deliver_head(world);
    expect_trace(world, "a.request b.request forward b.response pull ");
    deliver_piece(world);
    expect_trace(world, "b.response_body a.response head a.response_body body flush ");
    assert_int_equal(world->final_status, 201);
    assert_string_equal(world->final_headers, "from: upstream\nx-body: he\n");
    assert_int_equal(world->final_length, -1);
    b.acts[HOOK_RESPONSE_BODY] = act_pass;
    world->is_silent = false;
    run_world(world);
    assert_string_equal(world->body.data, "hello!");
    world_destroy(world);
}

static void collecting_gives_the_exact_length(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_collect, change_heads_and_pass}};
    struct script b = {.acts = {NULL, NULL, act_collect_response, change_heads_and_pass}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world, -1);
    expect_trace(world,
                 "a.request ask ask ask a.request_end b.request forward b.response pull pull pull b.response_end "
                 "a.response head last b.end a.end finished ");
    assert_string_equal(world->final_request, "POST /changed?q=1\nAccept: */*\nx-body: one two three\n\none two three");
    assert_int_equal(world->final_status, 201);
    assert_string_equal(world->final_headers, "from: upstream\nx-body: hello!\n");
    assert_int_equal(world->final_length, 6);
    assert_string_equal(world->body.data, "hello!");
    world_destroy(world);
}

static flexilib_answer bracket(struct call *call)
{
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("(")));
    assert_true(call->core->pass(call->exchange));
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG(")")));
    return FLEXILIB_CONTINUE;
}

struct arrangement {
    act heads[3];
    const char *request;
    const char *response;
    int64_t length;
};

static flexilib_answer collect_both(struct call *call)
{
    return call->core->status(call->exchange) == 0 ? act_collect(call) : act_collect_response(call);
}

static flexilib_answer hold_both(struct call *call)
{
    return call->core->status(call->exchange) == 0 ? act_hold(call) : act_hold_response(call);
}

/* Three filters that put brackets around what they get, each of which collects, holds the head or does neither. */
static void any_arrangement_gives_the_bytes_in_order(void **state)
{
    static const struct arrangement rows[] = {
        {{NULL, NULL, NULL}, "(((one )))(((two )))(((three)))", "(((he)))(((llo)))(((!)))", -1},
        {{collect_both, NULL, NULL}, "(((one two three)))", "(((he))((llo))((!)))", 20},
        {{NULL, collect_both, NULL}, "(((one )(two )(three)))", "(((he)(llo)(!)))", 16},
        {{NULL, NULL, collect_both}, "(((one ))((two ))((three)))", "(((hello!)))", 12},
        {{collect_both, NULL, collect_both}, "(((one two three)))", "(((hello!)))", 12},
        {{collect_both, collect_both, collect_both}, "(((one two three)))", "(((hello!)))", 12},
        {{hold_both, NULL, NULL}, "(((one )))(((two )))(((three)))", "(((he)))(((llo)))(((!)))", -1},
        {{hold_both, hold_both, hold_both}, "(((one )))(((two )))(((three)))", "(((he)))(((llo)))(((!)))", -1},
        {{collect_both, hold_both, NULL}, "(((one two three)))", "(((he))((llo))((!)))", 20},
        {{hold_both, NULL, collect_both}, "(((one ))((two ))((three)))", "(((hello!)))", 12},
    };
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script scripts[3];
        for (int j = 0; j < 3; ++j) {
            scripts[j] = (struct script){.acts = {rows[i].heads[j], bracket, rows[i].heads[j], bracket}};
            add_filter(world, &scripts[j], names[j]);
        }
        world->is_silent = true;
        world->is_request_late = world->is_asynchronous = i % 2;
        begin(world, -1);
        while (world->exchange->streams_request && !world->is_request_ended) {
            exchange_pull_request(world->exchange);
            run_world(world);
        }
        if (world->exchange->streams_request)
            assert_string_equal(world->upload.data, rows[i].request);
        else
            assert_true(slice_equals(world->exchange->request_body, slice_from_text(rows[i].request)));
        world->is_silent = false;
        deliver_head(world);
        run_world(world);
        assert_string_equal(world->body.data, rows[i].response);
        assert_int_equal(world->final_length, rows[i].length);
        world_destroy(world);
    }
}

static flexilib_answer collect_ten(struct call *call)
{
    bool is_request = call->core->status(call->exchange) == 0;
    assert_true(call->core->collect(call->exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE, 10));
    return FLEXILIB_CONTINUE;
}

static void too_large_a_request_is_refused(void **state)
{
    static const struct {
        int64_t length;
        const char *trace;
    } rows[] = {
        {13, "a.request b.request ask a.response head last b.end a.end finished "},
        {-1, "a.request b.request ask ask ask a.response head last b.end a.end finished "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {collect_ten, act_pass}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        begin(world, rows[i].length);
        expect_trace(world, rows[i].trace);
        assert_int_equal(world->final_status, 413);
        world_destroy(world);
    }
}

static void too_large_a_response_is_replaced(void **state)
{
    static const struct {
        int64_t length;
        const char *trace;
    } rows[] = {
        {11, "a.request b.request forward b.response pull cancel a.response head last b.end a.end finished "},
        {-1, "a.request b.request forward b.response pull pull pull a.response head last b.end a.end finished "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = collect_ten, [HOOK_RESPONSE_BODY] = act_pass}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->pieces[2] = "! more";
        world->body_length = rows[i].length;
        start(world, "GET");
        expect_trace(world, rows[i].trace);
        assert_int_equal(world->final_status, 502);
        world_destroy(world);
    }
}

static void what_failed_open_had_collected_is_not_lost(void **state)
{
    static const struct {
        int64_t length;
        act body;
        act other;
    } rows[] = {
        {13, act_pass, NULL},     /* known to be too large */
        {-1, act_pass, NULL},     /* found to be */
        {-1, act_pass, act_pass}, /* with a filter behind it that looks at it too */
        {-1, act_fail, NULL},     /* it fails in its hook */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {rows[i].body == act_fail ? act_collect : collect_ten, rows[i].body}};
        struct script b = {.acts = {NULL, rows[i].other}};
        add_open_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->is_silent = true;
        world->is_request_late = i % 2;
        world->request_pieces[3] = "!";
        world->request_piece_count = 4;
        begin(world, rows[i].length);
        struct exchange *exchange = world->exchange;
        assert_int_equal(exchange->streams_request, rows[i].body == act_pass);
        if (exchange->streams_request)
            assert_int_equal(exchange->request_length, rows[i].other == NULL ? rows[i].length : -1);
        while (exchange->streams_request && !world->is_request_ended) {
            exchange_pull_request(exchange);
            run_world(world);
        }
        if (exchange->streams_request)
            assert_string_equal(world->upload.data, "one two three!");
        else
            assert_true(slice_equals(exchange->request_body, SLICE("one two three!")));
        world->is_silent = false;
        deliver_head(world);
        run_world(world);
        assert_int_equal(world->final_status, 200);
        world_destroy(world);
    }
}

static void nor_that_of_a_response(void **state)
{
    for (int64_t length = -1; length <= 13; length += 14) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = collect_ten, [HOOK_RESPONSE_BODY] = act_pass}};
        add_filter(world, &a, "a");
        add_open_filter(world, &b, "b");
        world->pieces[2] = "! more";
        world->pieces[3] = ".";
        world->pieces[4] = ".";
        world->piece_count = 5;
        world->body_length = length;
        start(world, "GET");
        assert_int_equal(world->final_status, 200);
        assert_int_equal(world->final_length, length);
        assert_string_equal(world->body.data, "hello! more..");
        assert_null(strstr(world->trace.data, "b.response_"));
        world_destroy(world);
    }
}

static void a_failed_response_is_replaced_while_its_head_is_held(void **state)
{
    static const act heads[] = {act_hold_response, act_collect_response};
    for (int i = 0; i < 2; ++i) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = heads[i], [HOOK_RESPONSE_BODY] = act_drop}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->is_asynchronous = world->is_silent = true;
        open_exchange(world, "GET");
        exchange_start(world->exchange, &world->chain);
        deliver_head(world);
        deliver_piece(world);
        text_clear(&world->trace);
        exchange_fail(world->exchange, 504);
        run_world(world);
        expect_trace(world, "a.response head last b.end a.end finished ");
        assert_int_equal(world->final_status, 504);
        world_destroy(world);
    }
}

static void a_piece_that_broke_off_is_not_waited_for(void **state)
{
    struct world *world = make_world();
    struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = act_hold_response, [HOOK_RESPONSE_BODY] = act_pause}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->is_asynchronous = world->is_silent = true;
    open_exchange(world, "GET");
    exchange_start(world->exchange, &world->chain);
    deliver_head(world);
    deliver_piece(world);
    exchange_fail(world->exchange, 502);
    run_world(world);
    expect_trace(world, "a.request b.request forward b.response pull b.response_body paused unpaused a.response head "
                        "last b.end a.end finished ");
    assert_int_equal(world->final_status, 502);
    resume(&b);
    run_world(world);
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static void without_a_body_no_head_is_held(void **state)
{
    static const struct {
        const char *method;
        int status;
        int64_t length;
    } rows[] = {{"HEAD", 200, -1}, {"GET", 204, 0}, {"GET", 304, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_collect_response, [HOOK_RESPONSE_BODY] = act_pass}};
        add_filter(world, &a, "a");
        world->status = rows[i].status;
        world->pieces[0] = "";
        world->piece_count = 1;
        start(world, rows[i].method);
        expect_trace(world, "a.request forward a.response head pull last a.end finished ");
        assert_int_equal(world->final_length, rows[i].length);
        world_destroy(world);
    }
}

static void a_request_without_a_body_has_its_hook_called_once(void **state)
{
    static const act heads[] = {NULL, act_hold, act_collect};
    for (int i = 0; i < 3; ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {heads[i], act_drop}};
        add_filter(world, &a, "a");
        open_exchange(world, "GET");
        world->exchange->request_body = SLICE_NONE;
        exchange_start(world->exchange, &world->chain);
        run_world(world);
        expect_trace(world, "a.request a.request_end forward a.response head pull body flush pull body flush pull last "
                            "a.end finished ");
        world_destroy(world);
    }
}

static void a_reply_may_be_held_and_collected(void **state)
{
    static const act heads[] = {act_hold_response, act_collect_response};
    for (int i = 0; i < 2; ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = heads[i], [HOOK_RESPONSE_BODY] = change_heads_and_pass}};
        struct script b = {.acts = {act_reply}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        start(world, "GET");
        expect_trace(world, "a.request b.request a.response a.response_end head last b.end a.end finished ");
        assert_int_equal(world->final_status, 201);
        assert_int_equal(world->final_length, 4);
        assert_string_equal(world->final_headers, "content-type: text/html\nx-body: <no>\n");
        world_destroy(world);
    }
}

static void asking_before_or_after_a_pause_is_the_same(void **state)
{
    struct world *world = make_world();
    struct script a = {
        .acts = {[HOOK_REQUEST_HEAD] = act_pause, [HOOK_REQUEST_BODY] = act_pass, [HOOK_RESUME] = act_collect}};
    add_filter(world, &a, "a");
    begin(world, 13);
    resume(&a);
    run_world(world);
    expect_trace(world,
                 "a.request paused unpaused a.resume ask ask ask a.request_end forward a.response head pull body "
                 "flush pull body flush pull last a.end finished ");
    world_destroy(world);
}

static flexilib_answer ask_in_vain(struct call *call)
{
    const struct flexilib_core *core = call->core;
    for (flexilib_half half = -1; half < 3; ++half) {
        assert_false(core->collect(call->exchange, half, 10));
        assert_false(core->hold_head(call->exchange, half));
    }
    assert_false(core->skip_body(call->exchange, 2));
    return FLEXILIB_CONTINUE;
}

static void what_has_no_body_hook_cannot_ask(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = ask_in_vain, [HOOK_RESPONSE_HEAD] = ask_in_vain}};
    add_filter(world, &a, "a");
    start(world, "POST");
    assert_string_equal(world->body.data, "hello!");
    world_destroy(world);
}

static void old_libraries_get_requests_whole(void **state)
{
    for (int has_head_hook = 0; has_head_hook < 2; ++has_head_hook) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass, [HOOK_RESPONSE_BODY] = act_pass}};
        add_filter(world, &a, "a");
        world->uses[0]->wants_whole_requests = true;
        if (!has_head_hook)
            a.filter.on_request_head = NULL;
        begin(world, -1);
        expect_trace(world,
                     has_head_hook
                         ? "a.request ask ask ask a.request_end forward a.response head pull a.response_body body "
                           "flush pull a.response_body body flush pull a.response_end last a.end finished "
                         : "ask ask ask a.request_end forward a.response head pull a.response_body body flush "
                           "pull a.response_body body flush pull a.response_end last a.end finished ");
        world_destroy(world);
    }
}

static flexilib_answer skip_both(struct call *call)
{
    bool is_request = call->core->status(call->exchange) == 0;
    assert_true(call->core->skip_body(call->exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE));
    return FLEXILIB_CONTINUE;
}

static void a_body_that_is_skipped_goes_by(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {skip_both, act_drop, skip_both, act_drop}};
    add_filter(world, &a, "a");
    world->is_silent = true;
    begin(world, 13);
    assert_int_equal(world->exchange->request_length, 13);
    exchange_pull_request(world->exchange);
    run_world(world);
    expect_trace(world, "a.request forward ask upload ");
    world->is_silent = false;
    world->exchange->takes_pipes = world->is_asynchronous = true;
    deliver_head(world);
    assert_true(exchange_takes_pipe(world->exchange));
    run_world(world);
    expect_trace(world, "a.response head pull flush body flush pull body flush pull last a.end finished ");
    assert_int_equal(world->final_length, 6);
    world_destroy(world);
}

static flexilib_answer observe(struct call *call)
{
    assert_false(call->core->write(call->exchange, "x", 1));
    assert_false(call->core->pass(call->exchange));
    strncat(call->script->text, call->data, call->length);
    return FLEXILIB_CONTINUE;
}

static void who_observes_changes_nothing(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, observe, NULL, observe}, .filter.flags = FLEXILIB_OBSERVES};
    add_filter(world, &a, "a");
    world->is_silent = true;
    begin(world, 13);
    assert_int_equal(world->exchange->request_length, 13);
    while (!world->is_request_ended) {
        exchange_pull_request(world->exchange);
        run_world(world);
    }
    world->is_silent = false;
    deliver_head(world);
    assert_false(exchange_takes_pipe(world->exchange));
    run_world(world);
    assert_string_equal(world->upload.data, "one two three");
    assert_string_equal(world->body.data, "hello!");
    assert_int_equal(world->final_length, 6);
    assert_string_equal(a.text, "one two threehello!");
    world_destroy(world);
}

static void who_observes_may_fail_open_at_any_time(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = observe}, .filter.flags = FLEXILIB_OBSERVES};
    add_open_filter(world, &a, "a");
    world->is_asynchronous = world->is_silent = true;
    open_exchange(world, "GET");
    exchange_start(world->exchange, &world->chain);
    deliver_head(world);
    deliver_piece(world);
    run_world(world);
    a.acts[HOOK_RESPONSE_BODY] = act_fail;
    world->is_silent = false;
    run_world(world);
    assert_string_equal(world->body.data, "hello!");
    assert_false(world->is_aborted);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_head_is_held_for_the_first_piece),
        cmocka_unit_test(it_is_held_until_something_is_sent_on),
        cmocka_unit_test(or_until_the_body_is_over),
        cmocka_unit_test(a_response_head_is_held_likewise),
        cmocka_unit_test(collecting_gives_the_exact_length),
        cmocka_unit_test(any_arrangement_gives_the_bytes_in_order),
        cmocka_unit_test(too_large_a_request_is_refused),
        cmocka_unit_test(too_large_a_response_is_replaced),
        cmocka_unit_test(what_failed_open_had_collected_is_not_lost),
        cmocka_unit_test(nor_that_of_a_response),
        cmocka_unit_test(a_failed_response_is_replaced_while_its_head_is_held),
        cmocka_unit_test(a_piece_that_broke_off_is_not_waited_for),
        cmocka_unit_test(without_a_body_no_head_is_held),
        cmocka_unit_test(a_request_without_a_body_has_its_hook_called_once),
        cmocka_unit_test(a_reply_may_be_held_and_collected),
        cmocka_unit_test(asking_before_or_after_a_pause_is_the_same),
        cmocka_unit_test(what_has_no_body_hook_cannot_ask),
        cmocka_unit_test(old_libraries_get_requests_whole),
        cmocka_unit_test(a_body_that_is_skipped_goes_by),
        cmocka_unit_test(who_observes_changes_nothing),
        cmocka_unit_test(who_observes_may_fail_open_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
