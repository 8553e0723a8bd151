#include "process/ticket_region.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t hour_us = 3600u * 1000 * 1000;

static void keys_rotate_and_readers_follow(void **state)
{
    struct ticket_region region;
    struct ticket_key before[TICKET_KEYS_COUNT], after[TICKET_KEYS_COUNT];
    assert_true(ticket_region_open(&region));
    const struct ticket_keys *keys = ticket_region_attach(region.fd);
    assert_non_null(keys);
    assert_true(ticket_keys_copy(keys, before));
    for (int i = 0; i < TICKET_KEYS_COUNT; ++i) {
        for (int j = 0; j < i; ++j)
            assert_memory_not_equal(&before[i], &before[j], sizeof(before[i]));
    }
    uint64_t now_us = clock_monotonic_us();
    ticket_region_step(&region, now_us);
    assert_true(ticket_keys_copy(keys, after));
    assert_memory_equal(before, after, sizeof(before));
    ticket_region_step(&region, now_us + hour_us + 1000);
    assert_true(ticket_keys_copy(keys, after));
    assert_memory_not_equal(&before[0], &after[0], sizeof(before[0]));
    assert_memory_equal(&before[0], &after[1], 2 * sizeof(before[0]));
    assert_true(region.rotate_at_us > now_us + hour_us + hour_us / 2);
    ticket_region_close(&region);
    ticket_region_close(&region);
}

static void only_the_supervisor_can_write(void **state)
{
    struct ticket_region region;
    assert_true(ticket_region_open(&region));
    assert_int_equal(ftruncate(region.fd, 0), -1);
    assert_int_equal(pwrite(region.fd, "x", 1, 0), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, region.fd, 0), MAP_FAILED);
    region.keys->version = 0;
    assert_null(ticket_region_attach(region.fd));
    assert_null(ticket_region_attach(-1));
    ticket_region_close(&region);
}

static void a_change_in_progress_is_not_read(void **state)
{
    struct ticket_keys keys = {.sequence = 1};
    struct ticket_key copy[TICKET_KEYS_COUNT];
    assert_false(ticket_keys_copy(&keys, copy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_rotate_and_readers_follow),
        cmocka_unit_test(only_the_supervisor_can_write),
        cmocka_unit_test(a_change_in_progress_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
