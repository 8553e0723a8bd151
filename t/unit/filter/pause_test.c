#include "fake.h"

/* Pauses and everything that can end one: a resume in time, too early, too late, twice, from another thread; the
 * client's leaving; a deadline; a failure of the upstream. */

static void pauses_and_goes_on_in_each_hook(void **state)
{
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_BODY; ++hook) {
        struct world *world = world_create();
        struct script a = {0}, b = {.acts = {NULL, act_pass, NULL, act_pass}}, c = {0};
        b.acts[hook] = hook % 2 == 1 ? act_pass_and_pause : act_pause;
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        add_filter(world, &c, "c");
        start(world, "GET");
        assert_true(world->is_paused);
        assert_int_equal(world->finishes, 0);
        assert_int_equal(b.ends, 0);
        resume(&b);
        run_world(world);
        assert_false(world->is_paused);
        assert_int_equal(world->finishes, 1);
        assert_int_equal(world->drops, 0);
        assert_string_equal(world->body.data, "hello");
        assert_non_null(strstr(world->final_request, "question"));
        assert_int_equal(b.ends, 1);
        world_destroy(world);
    }
}

static void trace_of_a_pause_in_the_request_head(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}}, b = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    expect_trace(world, "a.request paused ");
    resume(&a);
    expect_trace(world, "");
    run_world(world);
    expect_trace(world, "unpaused a.resume b.request forward b.response a.response head pull last b.end a.end "
                        "finished ");
    world_destroy(world);
}

static void nothing_is_pulled_while_a_body_hook_pauses(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass_and_pause}};
    add_filter(world, &a, "a");
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull a.response_body paused flush ");
    resume(&a);
    run_world(world);
    expect_trace(world, "unpaused a.resume body flush pull a.response_end paused ");
    resume(&a);
    run_world(world);
    expect_trace(world, "unpaused a.resume last a.end finished ");
    assert_string_equal(world->body.data, "hellomore");
    world_destroy(world);
}

static flexilib_answer write_and_pass(struct call *call)
{
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("[")));
    assert_true(call->core->pass(call->exchange));
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("]")));
    return FLEXILIB_CONTINUE;
}

static void resumed_body_hook_still_writes_and_passes(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pause, [HOOK_RESUME] = write_and_pass}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    run_world(world);
    assert_string_equal(world->body.data, "[hello]");
    world_destroy(world);
}

static void resumed_request_hook_may_reply(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {[HOOK_REQUEST_HEAD] = act_pause, [HOOK_RESUME] = act_reply}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->chain.ends_in_handler = true;
    start(world, "GET");
    resume(&b);
    run_world(world);
    expect_trace(world, "a.request b.request paused unpaused b.resume a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 403);
    world_destroy(world);
}

static flexilib_answer set_field_and_pause(struct call *call)
{
    call->core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-kept"), FLEXILIB_ARG("yes"));
    call->core->reply(call->exchange, 202, "", 0, FLEXILIB_ARG("early"));
    return act_pause(call);
}

static flexilib_answer just_reply(struct call *call)
{
    return FLEXILIB_REPLY;
}

static void reply_set_before_a_pause_is_kept(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = set_field_and_pause, [HOOK_RESUME] = just_reply}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    run_world(world);
    assert_int_equal(world->final_status, 202);
    assert_string_equal(world->final_headers, "x-kept: yes\n");
    assert_string_equal(world->body.data, "early");
    world_destroy(world);
}

static void without_on_resume_the_chain_just_goes_on(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}}, b = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    a.filter.on_resume = NULL;
    start(world, "GET");
    resume(&a);
    run_world(world);
    expect_trace(world, "a.request paused unpaused b.request forward b.response a.response head pull last b.end a.end "
                        "finished ");
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static void client_gone_while_paused_in_each_hook(void **state)
{
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_BODY; ++hook) {
        struct world *world = world_create();
        struct script a = {.acts = {NULL, act_pass, NULL, act_pass}}, b = {0};
        a.acts[hook] = act_pause;
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->pieces[1] = "more";
        world->piece_count = 2;
        start(world, "GET");
        text_clear(&world->trace);
        exchange_gone(world->exchange);
        expect_trace(world, hook < HOOK_RESPONSE_HEAD && hook == HOOK_REQUEST_HEAD ? "unpaused a.end finished "
                            : hook == HOOK_REQUEST_BODY                            ? "unpaused b.end a.end finished "
                                                        : "unpaused cancel b.end a.end finished ");
        resume(&a);
        run_world(world);
        expect_trace(world, "");
        assert_int_equal(world->drops, 1);
        assert_int_equal(a.ends, 1);
        world_destroy(world);
    }
}

static void client_gone_between_resume_and_its_delivery(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    exchange_gone(world->exchange);
    run_world(world);
    expect_trace(world, "a.request paused unpaused a.end finished ");
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static void leave_when_unpaused(struct exchange *exchange, bool is_paused)
{
    on_paused(exchange, is_paused);
    if (!is_paused)
        exchange_gone(exchange);
}

static void owner_may_say_gone_from_within_paused(void **state)
{
    struct exchange_owner owner = fake_owner;
    owner.paused = leave_when_unpaused;
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    open_exchange(world, "GET");
    world->exchange->owner = &owner;
    exchange_start(world->exchange, &world->chain);
    resume(&a);
    run_world(world);
    expect_trace(world, "a.request paused unpaused a.end finished ");
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static void deadline_answers_504_and_spends_the_ticket(void **state)
{
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_HEAD; ++hook) {
        struct world *world = world_create();
        struct script a = {0}, b = {.acts = {NULL, act_pass}};
        b.acts[hook] = act_pause;
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        start(world, "GET");
        exchange_deadline(world->exchange);
        run_world(world);
        assert_int_equal(world->final_status, 504);
        assert_int_equal(world->finishes, 1);
        assert_non_null(strstr(world->trace.data, "unpaused "));
        resume(&b);
        run_world(world);
        assert_int_equal(world->drops, 1);
        assert_int_equal(b.ends, 1);
        world_destroy(world);
    }
}

static void deadline_after_the_head_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    exchange_deadline(world->exchange);
    run_world(world);
    expect_trace(world, "a.request forward a.response head pull a.response_end paused flush unpaused abort a.end "
                        "finished ");
    world_destroy(world);
}

static void deadline_without_a_pause_does_nothing(void **state)
{
    struct world *world = world_create();
    world->is_silent = true;
    start(world, "GET");
    exchange_deadline(world->exchange);
    expect_trace(world, "forward ");
    exchange_gone(world->exchange);
    world_destroy(world);
}

static void upstream_failure_during_a_pause_waits_for_its_end(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {[HOOK_RESPONSE_HEAD] = act_pause}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    exchange_fail(world->exchange, 502);
    assert_true(world->is_paused);
    resume(&b);
    run_world(world);
    expect_trace(world, "a.request b.request forward b.response paused unpaused b.resume a.response head last b.end "
                        "a.end finished ");
    assert_int_equal(world->final_status, 502);
    world_destroy(world);
}

static void upstream_failure_while_a_body_hook_pauses_aborts(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pause}};
    add_filter(world, &a, "a");
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    text_clear(&world->trace);
    exchange_fail(world->exchange, 502);
    expect_trace(world, "unpaused abort a.end finished ");
    resume(&a);
    run_world(world);
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_and_goes_on_in_each_hook),
        cmocka_unit_test(trace_of_a_pause_in_the_request_head),
        cmocka_unit_test(nothing_is_pulled_while_a_body_hook_pauses),
        cmocka_unit_test(resumed_body_hook_still_writes_and_passes),
        cmocka_unit_test(resumed_request_hook_may_reply),
        cmocka_unit_test(reply_set_before_a_pause_is_kept),
        cmocka_unit_test(without_on_resume_the_chain_just_goes_on),
        cmocka_unit_test(client_gone_while_paused_in_each_hook),
        cmocka_unit_test(client_gone_between_resume_and_its_delivery),
        cmocka_unit_test(owner_may_say_gone_from_within_paused),
        cmocka_unit_test(deadline_answers_504_and_spends_the_ticket),
        cmocka_unit_test(deadline_after_the_head_aborts),
        cmocka_unit_test(deadline_without_a_pause_does_nothing),
        cmocka_unit_test(upstream_failure_during_a_pause_waits_for_its_end),
        cmocka_unit_test(upstream_failure_while_a_body_hook_pauses_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
