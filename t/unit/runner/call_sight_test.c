/* How much a call may take, and what counts. */

#include "runner/call_sight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct call_limits limits = {.time_us = 8000};
static const struct call_limits cpu_limits = {.time_us = 8000, .cpu_time_us = 500};

static void time_counts_from_the_first_look(void **state)
{
    struct call_sight sight = {0};
    assert_int_equal(call_sight_note(&sight, &limits, 1, 60 * 1000, 0), CALL_FITS);
    for (int look = 1; look <= 8; ++look)
        assert_int_equal(call_sight_note(&sight, &limits, 1, 1000, 0), CALL_FITS);
    assert_int_equal(call_sight_note(&sight, &limits, 1, 1, 0), CALL_TAKES_TIME);
}

static void each_call_has_its_own_time(void **state)
{
    struct call_sight sight = {0};
    for (uint32_t look = 0; look < 100; ++look)
        assert_int_equal(call_sight_note(&sight, &limits, look / 8, 1000, 0), CALL_FITS);
    sight.is_running = false;
    assert_int_equal(call_sight_note(&sight, &limits, 12, 1000, 0), CALL_FITS);
    assert_int_equal(sight.time_us, 0);
}

/* The process was stopped, and goes on. */
static void time_in_which_nobody_could_look_does_not_count(void **state)
{
    struct call_sight sight = {0};
    call_sight_note(&sight, &limits, 1, 1000, 0);
    for (int stop = 1; stop <= 4; ++stop)
        assert_int_equal(call_sight_note(&sight, &limits, 1, 60 * 1000, 0), CALL_FITS);
    assert_int_equal(sight.time_us, 8000);
    assert_int_equal(call_sight_note(&sight, &limits, 1, 60 * 1000, 0), CALL_TAKES_TIME);
}

static void a_cpu_is_counted_from_the_first_look(void **state)
{
    struct call_sight sight = {0};
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 1, 1000, 7000), CALL_FITS);
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 1, 1000, 7500), CALL_FITS);
    /* as when its thread has just ended */
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 1, 1000, 0), CALL_FITS);
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 1, 1000, 7501), CALL_TAKES_CPU_TIME);
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 2, 1000, 0), CALL_FITS);
    assert_int_equal(call_sight_note(&sight, &cpu_limits, 2, 1000, 9000), CALL_FITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_counts_from_the_first_look),
        cmocka_unit_test(each_call_has_its_own_time),
        cmocka_unit_test(time_in_which_nobody_could_look_does_not_count),
        cmocka_unit_test(a_cpu_is_counted_from_the_first_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
