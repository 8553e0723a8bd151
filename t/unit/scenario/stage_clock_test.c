#include "scenario/stage_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Alarms come when their time has, the earlier one first. */

struct bell {
    struct stage_clock clock;
    char rung[16];
    size_t count;
};

static struct bell bell;

static void ring(void *data)
{
    bell.rung[bell.count++] = *(const char *)data;
}

static struct alarm *set(uint64_t delay_ms, const char *name)
{
    return stage_clock_services.start(&bell.clock, delay_ms, ring, (void *)(uintptr_t)name);
}

static void assert_rung(uint64_t passed_ms, const char *expected)
{
    stage_clock_set(&bell.clock, bell.clock.now_ms + passed_ms);
    while (stage_clock_ring(&bell.clock))
        continue;
    bell.rung[bell.count] = '\0';
    assert_string_equal(bell.rung, expected);
}

static int open_bell(void **state)
{
    bell = (struct bell){0};
    stage_clock_init(&bell.clock);
    return 0;
}

static int close_bell(void **state)
{
    stage_clock_finish(&bell.clock);
    return 0;
}

static void alarms_come_in_the_order_of_their_times(void **state)
{
    uint64_t due_ms;
    assert_false(stage_clock_next(&bell.clock, &due_ms));
    set(20, "c");
    set(10, "a");
    set(10, "b");
    set(100, "d");
    assert_rung(9, "");
    assert_true(stage_clock_next(&bell.clock, &due_ms));
    assert_int_equal(due_ms, bell.clock.now_ms + 1);
    assert_rung(1, "ab");
    assert_rung(10, "abc");
}

static void an_alarm_that_was_stopped_does_not_come(void **state)
{
    set(10, "a");
    struct alarm *alarm = set(10, "b");
    set(10, "c");
    stage_clock_services.stop(alarm);
    assert_rung(10, "ac");
}

static void the_time_never_goes_back(void **state)
{
    uint64_t began_ms = bell.clock.extension.now_ms();
    stage_clock_set(&bell.clock, began_ms + 5);
    stage_clock_set(&bell.clock, began_ms + 3);
    assert_int_equal(bell.clock.extension.now_ms(), began_ms + 5);
}

#define BELL(test) cmocka_unit_test_setup_teardown(test, open_bell, close_bell)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BELL(alarms_come_in_the_order_of_their_times),
        BELL(an_alarm_that_was_stopped_does_not_come),
        BELL(the_time_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
