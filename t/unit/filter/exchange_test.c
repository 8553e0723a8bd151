#include "fake.h"

/* The order of hooks, who sees which response, and what failures become. */

static void passes_request_in_order_and_response_in_reverse(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass, [HOOK_RESPONSE_BODY] = act_pass}};
    struct script b = {.acts = {[HOOK_REQUEST_BODY] = act_pass, [HOOK_RESPONSE_BODY] = act_pass}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "POST");
    expect_trace(world, "a.request b.request a.request_end b.request_end forward b.response a.response head pull "
                        "b.response_end a.response_end last b.end a.end finished ");
    assert_string_equal(world->body.data, "hello");
    assert_int_equal(world->final_length, -1);
    assert_string_equal(world->final_request, "POST /path?q=1\nAccept: */*\n\nquestion");
    world_destroy(world);
}

static void sends_bodies_through_untouched_without_body_hooks(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->pieces[0] = "he";
    world->pieces[1] = "llo";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull body flush pull last a.end finished ");
    assert_int_equal(world->final_length, 5);
    assert_int_equal(world->final_status, 200);
    assert_string_equal(world->final_headers, "from: upstream\n");
    world_destroy(world);
}

static void works_without_any_filter(void **state)
{
    struct world *world = world_create();
    world->is_asynchronous = true;
    start(world, "GET");
    expect_trace(world, "forward head pull flush last finished ");
    world_destroy(world);
}

static void reply_skips_upstream_and_later_filters(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {act_reply}}, c = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 403);
    assert_int_equal(world->final_length, 4);
    assert_string_equal(world->final_headers, "content-type: text/html\n");
    assert_string_equal(world->body.data, "<no>");
    world_destroy(world);
}

static flexilib_answer set_fields_and_reply(struct call *call)
{
    const struct flexilib_core *core = call->core;
    assert_true(core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-before"), FLEXILIB_ARG("1")));
    assert_true(core->reply(call->exchange, 200, "", 0, FLEXILIB_ARG("first")));
    assert_true(core->reply(call->exchange, 201, "", 0, FLEXILIB_ARG("second")));
    assert_true(core->add_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-after"), FLEXILIB_ARG("2")));
    return FLEXILIB_REPLY;
}

static flexilib_answer set_field(struct call *call)
{
    assert_true(call->core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-stray"), FLEXILIB_ARG("1")));
    return FLEXILIB_CONTINUE;
}

static void reply_keeps_fields_of_its_own_hook_only(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {set_field}}, b = {.acts = {set_fields_and_reply}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    assert_int_equal(world->final_status, 201);
    assert_string_equal(world->final_headers, "x-before: 1\nx-after: 2\n");
    assert_string_equal(world->body.data, "second");
    world_destroy(world);
}

static void fields_for_a_reply_that_did_not_come_are_forgotten(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {set_field}};
    add_filter(world, &a, "a");
    start(world, "GET");
    assert_string_equal(world->final_headers, "from: upstream\n");
    world_destroy(world);
}

static void reply_in_response_head_replaces_the_upstreams(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = set_fields_and_reply}}, c = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    start(world, "GET");
    expect_trace(world, "a.request b.request c.request forward c.response b.response cancel a.response head last c.end "
                        "b.end a.end finished ");
    assert_int_equal(world->final_status, 201);
    assert_string_equal(world->final_headers, "x-before: 1\nx-after: 2\n");
    world_destroy(world);
}

static flexilib_answer reply_late(struct call *call)
{
    assert_false(call->core->reply(call->exchange, 200, "", 0, "", 0));
    assert_false(call->core->set_status(call->exchange, 201));
    assert_false(call->core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x"), FLEXILIB_ARG("y")));
    return FLEXILIB_REPLY;
}

static void reply_after_the_head_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = reply_late}};
    add_filter(world, &a, "a");
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull a.response_body cancel abort a.end finished ");
    world_destroy(world);
}

static void reply_to_a_whole_body_replaces_it(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_BODY] = act_reply}}, c = {.acts = {set_fields_and_reply}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    start(world, "GET");
    expect_trace(world, "a.request b.request c.request b.response a.response b.response_end a.response head last c.end "
                        "b.end a.end finished ");
    assert_int_equal(world->final_status, 403);
    assert_string_equal(world->body.data, "<no>");
    world_destroy(world);
}

static flexilib_answer reply_without_one(struct call *call)
{
    return FLEXILIB_REPLY;
}

static flexilib_answer pause_without_ticket(struct call *call)
{
    return FLEXILIB_PAUSE;
}

static flexilib_answer reply_and_continue(struct call *call)
{
    act_reply(call);
    return FLEXILIB_CONTINUE;
}

static void reply_is_good_for_its_own_hook_only(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {reply_and_continue}}, b = {.acts = {reply_without_one}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 500);
    world_destroy(world);
}

struct bad_answer {
    act act;
    int status;
};

static void bad_answers_become_statuses(void **state)
{
    static const struct bad_answer bad_answers[] = {
        {act_fail, 503}, {act_nonsense, 503}, {pause_without_ticket, 503}, {reply_without_one, 500}};
    static const enum hook hooks[] = {HOOK_REQUEST_HEAD, HOOK_REQUEST_BODY, HOOK_RESPONSE_HEAD};
    for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 3; ++j) {
            struct world *world = world_create();
            struct script a = {0}, b = {0};
            b.acts[hooks[j]] = bad_answers[i].act;
            add_filter(world, &a, "a");
            add_filter(world, &b, "b");
            start(world, "GET");
            assert_int_equal(world->final_status, bad_answers[i].status);
            assert_string_equal(world->final_headers, "content-type: text/plain\n");
            assert_string_equal(world->body.data, bad_answers[i].status == 500 ? "500 Internal Server Error\n"
                                                                               : "503 Service Unavailable\n");
            assert_int_equal(a.ends, 1);
            assert_int_equal(b.ends, 1);
            assert_false(world->is_aborted);
            world_destroy(world);
        }
    }
}

static void closed_failure_passes_back_through_earlier_filters(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {act_fail}}, c = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
}

static void open_failure_skips_the_filter_in_any_hook(void **state)
{
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_BODY; ++hook) {
        struct world *world = world_create();
        struct script a = {.acts = {NULL, act_pass, NULL, act_pass}};
        struct script b = {.acts = {NULL, act_pass, NULL, act_pass}};
        b.acts[hook] = act_fail;
        add_filter(world, &a, "a");
        add_open_filter(world, &b, "b");
        start(world, "GET");
        assert_int_equal(world->final_status, 200);
        assert_string_equal(world->body.data, "hello");
        assert_non_null(strstr(world->final_request, "question"));
        assert_int_equal(b.ends, 1);
        assert_false(world->is_aborted);
        world_destroy(world);
    }
}

static void open_failure_runs_no_further_hook(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_fail, act_pass, NULL, act_pass}};
    add_open_filter(world, &a, "a");
    start(world, "GET");
    expect_trace(world, "a.request forward head pull last a.end finished ");
    assert_int_equal(world->final_length, 5);
    world_destroy(world);
}

static flexilib_answer fail_at_second_piece(struct call *call)
{
    if (call->script->text[0]++ == 1)
        return FLEXILIB_FAIL;
    return FLEXILIB_CONTINUE;
}

static void open_failure_in_the_middle_of_a_body_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = fail_at_second_piece}};
    add_open_filter(world, &a, "a");
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull a.response_body pull a.response_end abort a.end "
                        "finished ");
    world_destroy(world);
}

static void closed_failure_after_the_head_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_fail}};
    add_filter(world, &a, "a");
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull a.response_body cancel abort a.end finished ");
    world_destroy(world);
}

static void silent_handler_is_answered_for(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->chain.ends_in_handler = true;
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 500);
    world_destroy(world);
}

static void handler_skipped_by_failure_is_unavailable(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_fail}};
    add_open_filter(world, &a, "a");
    world->chain.ends_in_handler = true;
    start(world, "GET");
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
}

static void owner_may_answer_in_place_of_forwarding(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->is_silent = true;
    start(world, "GET");
    exchange_answer(world->exchange, 404, NULL);
    run_world(world);
    expect_trace(world, "a.request forward a.response head last a.end finished ");
    assert_int_equal(world->final_status, 404);
    assert_string_equal(world->body.data, "404 Not Found\n");
    world_destroy(world);
}

static void answer_takes_the_text_it_is_given(void **state)
{
    struct world *world = world_create();
    open_exchange(world, "GET");
    exchange_answer(world->exchange, 418, "no coffee here");
    run_world(world);
    expect_trace(world, "head last finished ");
    assert_string_equal(world->body.data, "no coffee here\n");
    world_destroy(world);
}

static void upstream_failure_before_the_head_is_answered(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->is_silent = true;
    start(world, "GET");
    exchange_fail(world->exchange, 502);
    run_world(world);
    assert_int_equal(world->final_status, 502);
    assert_string_equal(world->body.data, "502 Bad Gateway\n");
    world_destroy(world);
}

static void a_failure_that_passes_says_when_to_come_again(void **state)
{
    struct world *world = world_create();
    world->is_silent = true;
    start(world, "GET");
    exchange_fail_for(world->exchange, 503, 5);
    run_world(world);
    assert_int_equal(world->final_status, 503);
    assert_string_equal(world->final_headers, "content-type: text/plain\nretry-after: 5\n");
    world_destroy(world);
}

static void upstream_failure_in_the_body_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->is_asynchronous = true;
    world->is_silent = true;
    start(world, "GET");
    deliver_head(world);
    exchange_fail(world->exchange, 502);
    expect_trace(world, "a.request forward a.response head pull flush abort a.end finished ");
    world_destroy(world);
}

static void client_gone_in_any_phase_ends_once(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->is_silent = true;
    start(world, "GET");
    exchange_gone(world->exchange);
    expect_trace(world, "a.request forward cancel a.end finished ");

    start(world, "GET");
    world->is_asynchronous = true;
    deliver_head(world);
    exchange_gone(world->exchange);
    expect_trace(world, "a.request forward a.response head pull flush cancel a.end finished ");

    world->is_silent = world->is_asynchronous = false;
    world->is_stuck = true;
    start(world, "GET");
    world->keeps_exchange = true;
    exchange_gone(world->exchange);
    expect_trace(world, "a.request forward a.response head pull last a.end finished ");
    exchange_gone(world->exchange);
    exchange_sent(world->exchange);
    exchange_fail(world->exchange, 502);
    exchange_answer(world->exchange, 500, NULL);
    exchange_deadline(world->exchange);
    exchange_response_head(world->exchange);
    exchange_response_body(world->exchange, SLICE("late"), true);
    expect_trace(world, "");
    exchange_destroy(world->exchange);
    assert_int_equal(a.ends, 3);
    world_destroy(world);
}

static void never_started_exchange_is_simply_destroyed(void **state)
{
    struct world *world = world_create();
    open_exchange(world, "GET");
    exchange_gone(world->exchange);
    exchange_destroy(world->exchange);
    expect_trace(world, "");
    world_destroy(world);
}

static void recycled_exchanges_start_afresh(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass, [HOOK_RESPONSE_BODY] = act_pass}};
    add_filter(world, &a, "a");
    struct exchange *first = NULL;
    for (int i = 0; i < 3; ++i) {
        open_exchange(world, "GET");
        assert_true(first == NULL || first == world->exchange);
        first = world->exchange;
        assert_int_equal(first->response_bytes, 0);
        assert_int_equal(first->arena.ready_bytes, 1024);
        world->next_piece = 0;
        exchange_start(first, &world->chain);
        run_world(world);
    }
    assert_string_equal(world->body.data, "hellohellohello");
    world_destroy(world);
}

enum {
    MANY_EXCHANGES = 1000,
};

static void many_exchanges_live_at_once(void **state)
{
    struct world *world = world_create();
    struct exchange *exchanges[MANY_EXCHANGES];
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < MANY_EXCHANGES; ++i) {
            exchanges[i] = exchange_create(world->runtime, &fake_owner, world);
            assert_int_equal(exchanges[i]->phase, EXCHANGE_NEW);
            arena_alloc(&exchanges[i]->arena, 4000);
        }
        assert_int_equal(runtime_exchange_count(world->runtime), MANY_EXCHANGES);
        for (size_t i = 0; i < MANY_EXCHANGES; ++i)
            exchange_destroy(exchanges[i]);
        assert_int_equal(runtime_exchange_count(world->runtime), 0);
    }
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_request_in_order_and_response_in_reverse),
        cmocka_unit_test(sends_bodies_through_untouched_without_body_hooks),
        cmocka_unit_test(works_without_any_filter),
        cmocka_unit_test(reply_skips_upstream_and_later_filters),
        cmocka_unit_test(reply_keeps_fields_of_its_own_hook_only),
        cmocka_unit_test(fields_for_a_reply_that_did_not_come_are_forgotten),
        cmocka_unit_test(reply_in_response_head_replaces_the_upstreams),
        cmocka_unit_test(reply_after_the_head_aborts),
        cmocka_unit_test(reply_to_a_whole_body_replaces_it),
        cmocka_unit_test(reply_is_good_for_its_own_hook_only),
        cmocka_unit_test(bad_answers_become_statuses),
        cmocka_unit_test(closed_failure_passes_back_through_earlier_filters),
        cmocka_unit_test(open_failure_skips_the_filter_in_any_hook),
        cmocka_unit_test(open_failure_runs_no_further_hook),
        cmocka_unit_test(open_failure_in_the_middle_of_a_body_aborts),
        cmocka_unit_test(closed_failure_after_the_head_aborts),
        cmocka_unit_test(silent_handler_is_answered_for),
        cmocka_unit_test(handler_skipped_by_failure_is_unavailable),
        cmocka_unit_test(owner_may_answer_in_place_of_forwarding),
        cmocka_unit_test(answer_takes_the_text_it_is_given),
        cmocka_unit_test(upstream_failure_before_the_head_is_answered),
        cmocka_unit_test(a_failure_that_passes_says_when_to_come_again),
        cmocka_unit_test(upstream_failure_in_the_body_aborts),
        cmocka_unit_test(client_gone_in_any_phase_ends_once),
        cmocka_unit_test(never_started_exchange_is_simply_destroyed),
        cmocka_unit_test(recycled_exchanges_start_afresh),
        cmocka_unit_test(many_exchanges_live_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
