#include "fake_clock.h"

#include "flexilib/ext/timer.h"

/* What filters' timers do, and when they no longer do it. */

struct fixture {
    struct fake_clock clock;
    struct world *world;
    struct script a;
    const struct flexilib_timer *timers;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->world = world_create();
    runtime_use_timers(fixture->world->runtime, &fake_alarms, &fixture->clock);
    add_filter(fixture->world, &fixture->a, "a");
    fixture->timers = fixture->a.core->extension(fixture->a.core, FLEXILIB_TIMER);
    assert_non_null(fixture->timers);
    assert_int_equal(fixture->timers->size, sizeof(*fixture->timers));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->world != NULL)
        world_destroy(fixture->world);
    assert_int_equal(count_alarms(&fixture->clock), 0);
    free(fixture);
    return 0;
}

static void note_time(void *filter, void *data)
{
    struct script *script = filter;
    const struct slot *slot = &script->world->slot;
    assert_string_equal(slot->call.filter, script->name);
    assert_string_equal(slot_hook_name(slot->call.hook), "on_time");
    assert_string_equal(slot->call.request.id, "");
    trace(script->world, data);
}

static uint64_t start_timer(struct fixture *fixture, uint64_t delay_ms, uint64_t repeat_ms, const char *word)
{
    uint64_t number = fixture->timers->start(fixture->a.core, delay_ms, repeat_ms, note_time, (void *)(uintptr_t)word);
    assert_int_not_equal(number, 0);
    return number;
}

static void comes_once_in_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = start_timer(fixture, 10, 0, "tick");
    pass_time(&fixture->clock, 9);
    expect_trace(fixture->world, "");
    pass_time(&fixture->clock, 1);
    expect_trace(fixture->world, "tick ");
    assert_int_equal(fixture->world->slot.call.hook, SLOT_HOOK_NONE);
    pass_time(&fixture->clock, 1000);
    expect_trace(fixture->world, "");
    assert_false(fixture->timers->stop(fixture->a.core, number));
}

static void repeats_until_it_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = start_timer(fixture, 10, 3, "tick");
    pass_time(&fixture->clock, 16);
    expect_trace(fixture->world, "tick tick tick ");
    assert_true(fixture->timers->stop(fixture->a.core, number));
    assert_false(fixture->timers->stop(fixture->a.core, number));
    pass_time(&fixture->clock, 100);
    expect_trace(fixture->world, "");
}

static void number_of_an_ended_timer_is_nobodys(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first = start_timer(fixture, 1, 0, "first");
    assert_true(fixture->timers->stop(fixture->a.core, first));
    uint64_t second = start_timer(fixture, 1, 0, "second");
    assert_int_not_equal(first, second);
    assert_false(fixture->timers->stop(fixture->a.core, first));
    assert_false(fixture->timers->stop(fixture->a.core, 0));
    assert_false(fixture->timers->stop(fixture->a.core, UINT64_MAX));
    pass_time(&fixture->clock, 1);
    expect_trace(fixture->world, "second ");
}

static void belongs_to_its_filter_alone(void **state)
{
    struct fixture *fixture = *state;
    struct script b = {0};
    add_filter(fixture->world, &b, "b");
    uint64_t number = start_timer(fixture, 1, 0, "tick");
    assert_false(fixture->timers->stop(b.core, number));
    pass_time(&fixture->clock, 1);
    expect_trace(fixture->world, "tick ");
    world_destroy(fixture->world);
    fixture->world = NULL;
}

struct self_stop {
    struct fixture *fixture;
    uint64_t number;
    bool is_repeating;
};

static void stop_itself(void *filter, void *data)
{
    const struct self_stop *own = data;
    const struct flexilib_timer *timers = own->fixture->timers;
    trace(own->fixture->world, "tick");
    assert_int_equal(timers->stop(own->fixture->a.core, own->number), own->is_repeating);
    assert_false(timers->stop(own->fixture->a.core, own->number));
}

static void may_be_stopped_while_it_runs(void **state)
{
    struct fixture *fixture = *state;
    for (int is_repeating = 0; is_repeating < 2; ++is_repeating) {
        struct self_stop own = {.fixture = fixture, .is_repeating = is_repeating != 0};
        own.number = fixture->timers->start(fixture->a.core, 1, (uint64_t)is_repeating, stop_itself, &own);
        pass_time(&fixture->clock, 100);
        expect_trace(fixture->world, "tick ");
    }
}

static void ends_before_its_filter(void **state)
{
    struct fixture *fixture = *state;
    start_timer(fixture, 1, 1, "tick");
    start_timer(fixture, 1, 0, "tick");
    world_destroy(fixture->world);
    fixture->world = NULL;
    pass_time(&fixture->clock, 100);
}

static bool start_and_refuse(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_timer *timers = core->extension(core, FLEXILIB_TIMER);
    timers->start(core, 1, 1, note_time, NULL);
    core->refuse(core, -1, FLEXILIB_ARG("not today"));
    return false;
}

static void ends_where_its_filter_is_not_created(void **state)
{
    struct fixture *fixture = *state;
    const struct flexilib_filter filter = {.name = "b", .create = start_and_refuse};
    struct step_settings step = {.name = SLICE("b")};
    struct error error = ERROR_INIT;
    assert_null(use_create(fixture->world->runtime, NULL, &filter, &step, NULL, &error));
    assert_int_equal(count_alarms(&fixture->clock), 0);
}

static void does_not_come_where_nobody_has_a_clock(void **state)
{
    struct fixture *fixture = *state;
    runtime_use_timers(fixture->world->runtime, NULL, NULL);
    uint64_t number = start_timer(fixture, 0, 1, "tick");
    assert_true(fixture->timers->stop(fixture->a.core, number));
    start_timer(fixture, 0, 1, "tick");
    expect_trace(fixture->world, "");
}

static void longest_delay_does_not_overflow(void **state)
{
    struct fixture *fixture = *state;
    start_timer(fixture, UINT64_MAX, 0, "tick");
    pass_time(&fixture->clock, UINT64_C(1000) * 365 * 24 * 3600 * 1000);
    expect_trace(fixture->world, "");
}

static flexilib_answer pause_for_ten_ms(struct call *call)
{
    const struct flexilib_timer *timers = call->core->extension(call->core, FLEXILIB_TIMER);
    flexilib_answer answer = act_pause(call);
    timers->resume_after(call->core, call->script->ticket, 10);
    return answer;
}

static flexilib_answer expect_no_result(struct call *call)
{
    assert_null(call->data);
    return FLEXILIB_CONTINUE;
}

static void ends_a_pause(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = fixture->world;
    fixture->a.acts[HOOK_REQUEST_HEAD] = pause_for_ten_ms;
    fixture->a.acts[HOOK_RESUME] = expect_no_result;
    start(world, "GET");
    pass_time(&fixture->clock, 9);
    run_world(world);
    expect_trace(world, "a.request paused ");
    pass_time(&fixture->clock, 1);
    run_world(world);
    expect_trace(world, "unpaused a.resume forward a.response head pull last a.end finished ");
}

static void comes_too_late_for_a_pause_that_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = fixture->world;
    fixture->a.acts[HOOK_REQUEST_HEAD] = pause_for_ten_ms;
    world->is_silent = true;
    start(world, "GET");
    resume(&fixture->a);
    run_world(world);
    expect_trace(world, "a.request paused unpaused a.resume forward ");
    pass_time(&fixture->clock, 10);
    run_world(world);
    expect_trace(world, "");
    exchange_gone(world->exchange);
    expect_trace(world, "cancel a.end finished ");
}

static flexilib_answer pause_again(struct call *call)
{
    return ++call->script->text[0] < 100 ? pause_for_ten_ms(call) : FLEXILIB_CONTINUE;
}

static void is_not_kept_for_a_pause_that_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = fixture->world;
    fixture->a.acts[HOOK_REQUEST_HEAD] = pause_for_ten_ms;
    fixture->a.acts[HOOK_RESUME] = pause_again;
    start(world, "GET");
    for (int i = 0; i < 50; ++i) {
        resume(&fixture->a);
        run_world(world);
        assert_int_equal(count_alarms(&fixture->clock), 1);
    }
    exchange_gone(world->exchange);
}

static void leaves_with_its_exchange(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = fixture->world;
    fixture->a.acts[HOOK_REQUEST_HEAD] = pause_for_ten_ms;
    start(world, "GET");
    assert_int_equal(count_alarms(&fixture->clock), 1);
    exchange_gone(world->exchange);
    assert_int_equal(count_alarms(&fixture->clock), 0);
    /* a ticket that is not anybody's any more, and some that never were */
    fixture->timers->resume_after(fixture->a.core, fixture->a.ticket, 10);
    fixture->timers->resume_after(fixture->a.core, 0, 10);
    fixture->timers->resume_after(fixture->a.core, UINT64_MAX, 10);
    assert_int_equal(count_alarms(&fixture->clock), 0);
}

static void tells_a_time_that_goes_on(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = fixture->timers->now_ms();
    assert_true(before > 0 && fixture->timers->now_ms() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_once_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repeats_until_it_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(number_of_an_ended_timer_is_nobodys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(belongs_to_its_filter_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(may_be_stopped_while_it_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_before_its_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_where_its_filter_is_not_created, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_come_where_nobody_has_a_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(longest_delay_does_not_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_a_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comes_too_late_for_a_pause_that_has_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_not_kept_for_a_pause_that_has_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_with_its_exchange, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_a_time_that_goes_on, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
