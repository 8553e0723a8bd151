#include "process/supervision_region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void workers_read_what_the_supervisor_counts(void **state)
{
    struct supervision_region region;
    assert_true(supervision_region_open(&region));
    const struct supervision *seen = supervision_region_attach(region.fd);
    assert_non_null(seen);
    assert_string_equal(seen->program_version, FLEXILIB_VERSION);
    assert_int_not_equal(seen->started_ms, 0);
    assert_int_equal(seen->is_reload_known, 0);
    supervision_show_generation(region.supervision, 7);
    supervision_show_generations(region.supervision, 2);
    supervision_count_reload(region.supervision, SUPERVISION_RELOAD_SUCCEEDED, 1000);
    supervision_count_reload(region.supervision, SUPERVISION_RELOAD_FAILED, 2000);
    supervision_count_reload(region.supervision, SUPERVISION_RELOAD_FAILED, 3000);
    supervision_count_crash(region.supervision, SUPERVISION_CRASH_STUCK);
    supervision_count_loop(region.supervision, SUPERVISION_LOOP_QUARANTINED);
    supervision_show_libraries(region.supervision, 3, 1);
    supervision_count_restart(region.supervision);
    supervision_count_blocked(region.supervision, 100);
    supervision_add_blocked(region.supervision, 50);
    supervision_show_stopping(region.supervision);
    assert_int_equal(seen->generation, 7);
    assert_int_equal(seen->generations, 2);
    assert_int_equal(seen->reloads[SUPERVISION_RELOAD_SUCCEEDED], 1);
    assert_int_equal(seen->reloads[SUPERVISION_RELOAD_FAILED], 2);
    assert_int_equal(seen->is_reload_known, 1);
    assert_int_equal(seen->last_reload, SUPERVISION_RELOAD_FAILED);
    assert_int_equal(seen->last_reload_ms, 3000);
    assert_int_equal(seen->crashes[SUPERVISION_CRASH_STUCK], 1);
    assert_int_equal(seen->loops[SUPERVISION_LOOP_QUARANTINED], 1);
    assert_int_equal(seen->refused_libraries, 3);
    assert_int_equal(seen->quarantined_libraries, 1);
    assert_int_equal(seen->restarts, 1);
    assert_int_equal(seen->blocked_turns, 1);
    assert_int_equal(seen->blocked_us, 150);
    assert_int_equal(seen->is_stopping, 1);
    munmap((void *)seen, sizeof(*seen));
    supervision_region_close(&region);
    supervision_region_close(&region);
}

static void a_successor_goes_on_in_the_same_memory(void **state)
{
    struct supervision_region region, next;
    assert_true(supervision_region_open(&region));
    const struct supervision *seen = supervision_region_attach(region.fd);
    supervision_count_restart(region.supervision);
    int fd = dup(region.fd);
    supervision_region_close(&region);
    assert_true(supervision_region_adopt(&next, fd));
    supervision_count_restart(next.supervision);
    assert_int_equal(seen->restarts, 2);
    ++next.supervision->version;
    fd = dup(next.fd);
    supervision_region_close(&next);
    assert_true(supervision_region_adopt(&next, fd));
    assert_int_equal(next.supervision->restarts, 0);
    assert_int_equal(seen->restarts, 2);
    munmap((void *)(uintptr_t)seen, sizeof(*seen));
    supervision_region_close(&next);
}

static void others_are_refused(void **state)
{
    struct supervision_region region;
    assert_true(supervision_region_open(&region));
    ++region.supervision->version;
    assert_null(supervision_region_attach(region.fd));
    assert_null(supervision_region_attach(-1));
    supervision_region_close(&region);
}

static void every_number_has_a_name_or_none(void **state)
{
    for (uint32_t i = 0; i < SUPERVISION_RELOAD_COUNT; ++i)
        assert_string_not_equal(supervision_reload_name(i), "");
    for (uint32_t i = 0; i < SUPERVISION_CRASH_COUNT; ++i)
        assert_string_not_equal(supervision_crash_name(i), "");
    for (uint32_t i = 0; i < SUPERVISION_LOOP_COUNT; ++i)
        assert_string_not_equal(supervision_loop_name(i), "");
    assert_string_equal(supervision_loop_name(SUPERVISION_LOOP_COUNT), "");
    assert_string_equal(supervision_reload_name(SUPERVISION_RELOAD_COUNT), "");
    assert_string_equal(supervision_crash_name(UINT32_MAX), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_read_what_the_supervisor_counts),
        cmocka_unit_test(a_successor_goes_on_in_the_same_memory),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(every_number_has_a_name_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
