#include "fake.h"

#include <sched.h>

/* What a ticket is good for: one pause, once, in time, whichever thread uses it. */

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
        if (ticket == 0) {
            sched_yield(); /* on a single processor the other thread has to have its turn */
            continue;
        }
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
        while (world->exchange != NULL) {
            run_world(world);
            sched_yield();
        }
        text_clear(&world->trace);
        text_clear(&world->body);
    }
    while (__atomic_load_n(&the_thread.ticket, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
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
        cmocka_unit_test(pauses_again_with_a_new_ticket),
        cmocka_unit_test(early_resume_ends_the_pause),
        cmocka_unit_test(ticket_not_paused_on_is_spent),
        cmocka_unit_test(ticket_is_good_for_one_hook_only),
        cmocka_unit_test(earlier_ticket_of_a_hook_is_spent),
        cmocka_unit_test(second_resume_is_dropped),
        cmocka_unit_test(ticket_of_an_earlier_exchange_is_dropped),
        cmocka_unit_test(unknown_tickets_are_dropped),
        cmocka_unit_test(thread_resumes_while_clients_come_and_go),
        cmocka_unit_test(letters_left_at_the_end_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
