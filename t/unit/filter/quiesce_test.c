#include "fake.h"

#include "filter/quiesce.h"

#include <sched.h>
#include <semaphore.h>

/* When filters that own something are created, quiesced and woken, and what becomes of requests meanwhile. */

struct fixture {
    struct world *world;
    struct script a, b;
    struct text reason;
};

static bool quiesce(void *filter)
{
    struct script *script = filter;
    trace_hook(script->world, script->name, "quiesce");
    return script->text[0] == '\0';
}

static void wake(void *filter)
{
    struct script *script = filter;
    trace_hook(script->world, script->name, "wake");
}

static void make_exclusive(struct script *script)
{
    script->filter.flags = FLEXILIB_EXCLUSIVE;
    script->filter.quiesce = quiesce;
    script->filter.wake = wake;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->world = world_create();
    fixture->world->status = 200;
    fixture->world->body_length = -1;
    fixture->world->pieces[0] = "answer";
    fixture->world->piece_count = 1;
    make_exclusive(&fixture->a);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    world_destroy(fixture->world);
    text_finish(&fixture->reason);
    free(fixture);
    return 0;
}

static void expect_quiesce(struct fixture *fixture, enum quiesce_patience patience, enum quiesce_result expected)
{
    text_clear(&fixture->reason);
    assert_int_equal(runtime_quiesce(fixture->world->runtime, SLICE("x a y"), 7, patience, &fixture->reason), expected);
    assert_int_equal(fixture->reason.length != 0, expected == QUIESCE_REFUSED);
}

static void a_request_waits_until_the_filter_is_woken(void **state)
{
    struct fixture *fixture = *state;
    add_filter(fixture->world, &fixture->a, "a");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    expect_trace(fixture->world, "a.quiesce ");
    start(fixture->world, "GET");
    expect_trace(fixture->world, "");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    runtime_wake_exclusive(fixture->world->runtime, 7);
    run_world(fixture->world);
    assert_int_equal(fixture->world->finishes, 1);
    assert_int_equal(strncmp(fixture->world->trace.data, "a.wake a.request forward ", 25), 0);
    text_clear(&fixture->world->trace);
}

static void one_that_is_let_go_meets_a_quiet_filter(void **state)
{
    struct fixture *fixture = *state;
    add_filter(fixture->world, &fixture->a, "a");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    start(fixture->world, "GET");
    runtime_let_go(fixture->world->runtime);
    run_world(fixture->world);
    assert_int_equal(fixture->world->finishes, 1);
    /* What came after is not kept back either, and another successor's end is no reason to wake. */
    start(fixture->world, "GET");
    assert_int_equal(fixture->world->finishes, 2);
    text_clear(&fixture->world->trace);
    runtime_wake_exclusive(fixture->world->runtime, 8);
    expect_trace(fixture->world, "");
}

static void a_client_may_leave_while_it_waits(void **state)
{
    struct fixture *fixture = *state;
    add_filter(fixture->world, &fixture->a, "a");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    start(fixture->world, "GET");
    exchange_gone(fixture->world->exchange);
    expect_trace(fixture->world, "a.quiesce finished ");
    runtime_wake_exclusive(fixture->world->runtime, 7);
    expect_trace(fixture->world, "a.wake ");
}

static void others_do_not_wait(void **state)
{
    struct fixture *fixture = *state;
    struct use *use;
    add_filter(fixture->world, &fixture->a, "a");
    add_filter(fixture->world, &fixture->b, "b");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    use = fixture->world->uses[0];
    fixture->world->uses[0] = fixture->world->uses[1];
    fixture->world->chain.count = 1;
    start(fixture->world, "GET");
    assert_int_equal(fixture->world->finishes, 1);
    fixture->world->uses[1] = use;
    fixture->world->chain.count = 2;
}

static void those_under_way_are_waited_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->a.acts[HOOK_REQUEST_HEAD] = act_pause;
    add_filter(fixture->world, &fixture->a, "a");
    start(fixture->world, "GET");
    text_clear(&fixture->world->trace);
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_WAITING);
    expect_trace(fixture->world, "");
    resume(&fixture->a);
    run_world(fixture->world);
    text_clear(&fixture->world->trace);
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    expect_trace(fixture->world, "a.quiesce ");
}

static void those_under_way_are_not_waited_for_long(void **state)
{
    struct fixture *fixture = *state;
    fixture->a.acts[HOOK_REQUEST_HEAD] = act_pause;
    add_filter(fixture->world, &fixture->a, "a");
    start(fixture->world, "GET");
    text_clear(&fixture->world->trace);
    expect_quiesce(fixture, QUIESCE_IMPATIENT, QUIESCE_DONE);
    expect_trace(fixture->world, "a.quiesce ");
    resume(&fixture->a);
    run_world(fixture->world);
    assert_int_equal(fixture->world->finishes, 1);
}

static sem_t has_begun, may_end;

static flexilib_answer act_hold_thread(struct call *call)
{
    sem_post(&has_begun);
    sem_wait(&may_end);
    return FLEXILIB_CONTINUE;
}

/* A use's hooks do not overlap, and quiesce is like one of them. */
static void a_hook_on_a_thread_is_never_overtaken(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = fixture->world;
    world->traces_no_timing = true;
    sem_init(&has_begun, 0, 0);
    sem_init(&may_end, 0, 0);
    fixture->a.filter.flags |= FLEXILIB_BLOCKING;
    fixture->a.acts[HOOK_REQUEST_HEAD] = act_hold_thread;
    add_filter(world, &fixture->a, "a");
    start(world, "GET");
    sem_wait(&has_begun);
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_WAITING);
    expect_quiesce(fixture, QUIESCE_IMPATIENT, QUIESCE_WAITING);
    expect_quiesce(fixture, QUIESCE_OUT_OF_PATIENCE, QUIESCE_REFUSED);
    assert_string_equal(fixture->reason.data, "filter 'a' still has a request on a thread");
    sem_post(&may_end);
    while (world->exchange != NULL) {
        run_world(world);
        sched_yield();
    }
    text_clear(&world->trace);
    expect_quiesce(fixture, QUIESCE_IMPATIENT, QUIESCE_DONE);
    expect_trace(world, "a.quiesce ");
}

static void one_that_refuses_is_named(void **state)
{
    struct fixture *fixture = *state;
    strcpy(fixture->a.text, "no");
    add_filter(fixture->world, &fixture->a, "a");
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_REFUSED);
    assert_string_equal(fixture->reason.data, "filter 'a' does not give up what it owns (quiesce)");
    text_clear(&fixture->world->trace);
    runtime_wake_exclusive(fixture->world->runtime, 7);
    expect_trace(fixture->world, "");
    start(fixture->world, "GET");
    assert_int_equal(fixture->world->finishes, 1);
}

static void they_are_created_last(void **state)
{
    struct fixture *fixture = *state;
    static const struct step_settings step = {.name = {"a", 1}};
    struct error error = ERROR_INIT;
    runtime_put_off_exclusive(fixture->world->runtime);
    fixture->a.world = fixture->world;
    fixture->a.filter.name = "a";
    fixture->a.filter.create = on_create;
    for (int i = 0; i < 2; ++i)
        fixture->world->uses[fixture->world->chain.count++] =
            use_create(fixture->world->runtime, NULL, &fixture->a.filter, &step, NULL, &error);
    add_filter(fixture->world, &fixture->b, "b");
    assert_null(fixture->a.core);
    assert_non_null(fixture->b.core);
    assert_true(runtime_lists_exclusive(fixture->world->runtime, &fixture->reason));
    assert_string_equal(fixture->reason.data, "a");
    /* What is not there yet has nothing to give up. */
    text_clear(&fixture->world->trace);
    expect_quiesce(fixture, QUIESCE_PATIENT, QUIESCE_DONE);
    expect_trace(fixture->world, "");
    assert_true(runtime_create_exclusive(fixture->world->runtime, &error));
    assert_non_null(fixture->a.core);
    assert_false(runtime_lists_exclusive(fixture->world->runtime, &fixture->reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_waits_until_the_filter_is_woken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_let_go_meets_a_quiet_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_may_leave_while_it_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_do_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_under_way_are_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_under_way_are_not_waited_for_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hook_on_a_thread_is_never_overtaken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_refuses_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_are_created_last, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
