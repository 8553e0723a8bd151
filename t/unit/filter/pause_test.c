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

static flexilib_answer pause_three_times(struct call *call)
{
    return ++call->script->text[0] < 3 ? act_pause(call) : FLEXILIB_CONTINUE;
}

static void pauses_again_with_a_new_ticket(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_pause, [HOOK_RESUME] = pause_three_times}};
    add_filter(world, &a, "a");
    start(world, "GET");
    uint64_t first = a.ticket;
    for (int i = 0; i < 3; ++i) {
        assert_true(world->is_paused);
        resume(&a);
        run_world(world);
    }
    assert_int_not_equal(first, a.ticket);
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static flexilib_answer resume_before_pausing(struct call *call)
{
    act_pause(call);
    resume(call->script);
    return FLEXILIB_PAUSE;
}

static void early_resume_ends_the_pause(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = resume_before_pausing}};
    add_filter(world, &a, "a");
    start(world, "GET");
    expect_trace(world, "a.request paused unpaused a.resume forward a.response head pull last a.end finished ");
    assert_int_equal(world->drops, 0);
    world_destroy(world);
}

static flexilib_answer resume_and_continue(struct call *call)
{
    act_pause(call);
    resume(call->script);
    return FLEXILIB_CONTINUE;
}

static void ticket_not_paused_on_is_spent(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = resume_and_continue}}, b = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    assert_int_equal(world->drops, 1);
    assert_true(world->is_paused);
    resume(&b);
    run_world(world);
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static flexilib_answer pause_without_ticket(struct call *call)
{
    return FLEXILIB_PAUSE;
}

static void ticket_is_good_for_one_hook_only(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {resume_and_continue}}, b = {.acts = {pause_without_ticket}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    assert_int_equal(world->final_status, 503);
    world_destroy(world);

    world = world_create();
    a = (struct script){.acts = {[HOOK_REQUEST_HEAD] = act_pause, [HOOK_RESUME] = pause_without_ticket}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    run_world(world);
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
}

static flexilib_answer take_two_tickets(struct call *call)
{
    uint64_t first = call->core->ticket(call->exchange);
    act_pause(call);
    assert_int_not_equal(first, call->script->ticket);
    call->core->resume(call->core, first, call->script->world, drop_result);
    return FLEXILIB_PAUSE;
}

static void earlier_ticket_of_a_hook_is_spent(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {take_two_tickets}};
    add_filter(world, &a, "a");
    start(world, "GET");
    assert_true(world->is_paused);
    assert_int_equal(world->drops, 1);
    resume(&a);
    run_world(world);
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static void second_resume_is_dropped(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    resume(&a);
    run_world(world);
    assert_int_equal(world->finishes, 1);
    assert_int_equal(world->drops, 1);
    resume(&a);
    run_world(world);
    assert_int_equal(world->drops, 2);
    world_destroy(world);
}

static void ticket_of_an_earlier_exchange_is_dropped(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    uint64_t old = a.ticket;
    struct exchange *first = world->exchange;
    exchange_gone(world->exchange);
    start(world, "GET");
    assert_ptr_equal(first, world->exchange);
    a.core->resume(a.core, old, world, drop_result);
    run_world(world);
    assert_true(world->is_paused);
    assert_int_equal(world->drops, 1);
    exchange_gone(world->exchange);
    world_destroy(world);
}

static void unknown_tickets_are_dropped(void **state)
{
    static const uint64_t tickets[] = {0, 1, UINT64_MAX, UINT64_C(1) << 24, UINT64_C(0xffffff)};
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    for (size_t i = 0; i < 5; ++i) {
        if (tickets[i] != a.ticket)
            a.core->resume(a.core, tickets[i], world, drop_result);
        a.core->resume(a.core, tickets[i] ^ UINT64_C(1) << 60, NULL, NULL);
    }
    run_world(world);
    assert_true(world->is_paused);
    assert_true(world->drops >= 4);
    exchange_gone(world->exchange);
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

enum {
    THREAD_ROUNDS = 2000,
};

struct thread_state {
    struct script *script;
    uint64_t ticket; /* 0: none yet; set by the loop, taken by the thread */
    bool is_stopped;
};

static void *resume_from_thread(void *argument)
{
    struct thread_state *thread = argument;
    while (!__atomic_load_n(&thread->is_stopped, __ATOMIC_ACQUIRE)) {
        uint64_t ticket = __atomic_exchange_n(&thread->ticket, 0, __ATOMIC_ACQ_REL);
        if (ticket == 0)
            continue;
        const struct flexilib_core *core = thread->script->core;
        core->resume(core, ticket, thread->script->world, drop_result);
        core->resume(core, ticket, thread->script->world, drop_result);
    }
    return NULL;
}

static struct thread_state the_thread;

static flexilib_answer pause_for_thread(struct call *call)
{
    act_pause(call);
    __atomic_store_n(&the_thread.ticket, call->script->ticket, __ATOMIC_RELEASE);
    return FLEXILIB_PAUSE;
}

static void thread_resumes_while_clients_come_and_go(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {pause_for_thread}};
    pthread_t thread;
    add_filter(world, &a, "a");
    the_thread = (struct thread_state){.script = &a};
    assert_int_equal(pthread_create(&thread, NULL, resume_from_thread, &the_thread), 0);
    for (unsigned i = 0; i < THREAD_ROUNDS; ++i) {
        world->next_piece = 0;
        open_exchange(world, "GET");
        exchange_start(world->exchange, &world->chain);
        if (i % 3 == 0)
            exchange_gone(world->exchange);
        while (world->exchange != NULL)
            run_world(world);
        text_clear(&world->trace);
        text_clear(&world->body);
    }
    while (__atomic_load_n(&the_thread.ticket, __ATOMIC_ACQUIRE) != 0)
        ;
    __atomic_store_n(&the_thread.is_stopped, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    run_world(world);
    assert_int_equal(world->finishes, THREAD_ROUNDS);
    assert_int_equal(a.ends, THREAD_ROUNDS);
    assert_true(world->drops >= THREAD_ROUNDS / 3);
    world_destroy(world);
}

static void letters_left_at_the_end_are_dropped(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {act_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    exchange_gone(world->exchange);
    resume(&a);
    use_destroy(world->uses[0]);
    runtime_destroy(world->runtime);
    assert_int_equal(world->drops, 1);
    text_finish(&world->trace);
    free(world);
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
        cmocka_unit_test(pauses_again_with_a_new_ticket),
        cmocka_unit_test(early_resume_ends_the_pause),
        cmocka_unit_test(ticket_not_paused_on_is_spent),
        cmocka_unit_test(ticket_is_good_for_one_hook_only),
        cmocka_unit_test(earlier_ticket_of_a_hook_is_spent),
        cmocka_unit_test(second_resume_is_dropped),
        cmocka_unit_test(ticket_of_an_earlier_exchange_is_dropped),
        cmocka_unit_test(unknown_tickets_are_dropped),
        cmocka_unit_test(without_on_resume_the_chain_just_goes_on),
        cmocka_unit_test(client_gone_while_paused_in_each_hook),
        cmocka_unit_test(client_gone_between_resume_and_its_delivery),
        cmocka_unit_test(owner_may_say_gone_from_within_paused),
        cmocka_unit_test(deadline_answers_504_and_spends_the_ticket),
        cmocka_unit_test(deadline_after_the_head_aborts),
        cmocka_unit_test(deadline_without_a_pause_does_nothing),
        cmocka_unit_test(upstream_failure_during_a_pause_waits_for_its_end),
        cmocka_unit_test(upstream_failure_while_a_body_hook_pauses_aborts),
        cmocka_unit_test(thread_resumes_while_clients_come_and_go),
        cmocka_unit_test(letters_left_at_the_end_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
