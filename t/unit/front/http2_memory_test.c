#include "front/http2_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_touched(const char *bytes)
{
    unsigned char flags = 0;
    uintptr_t page = (uintptr_t)bytes / (uintptr_t)getpagesize() * (uintptr_t)getpagesize();
    assert_int_equal(mincore((void *)page, 1, &flags), 0);
    return (flags & 1) != 0;
}

static void what_is_not_touched_costs_nothing(void **state)
{
    struct http2_regions regions = {0};
    struct http2_memory memory;
    http2_memory_begin(&memory, &regions);
    char *large = http2_memory_realloc(NULL, 16394, &memory);
    memset(large, 1, 100);
    assert_true(is_touched(large));
    assert_false(is_touched(large + 16393));
    assert_int_equal((uintptr_t)large % 16, 0);
    http2_memory_finish(&memory, &regions);
    http2_regions_finish(&regions);
}

static void blocks_are_apart_and_keep_what_they_hold(void **state)
{
    enum {
        BLOCKS = 100,
        BYTES = 1000,
    };
    struct http2_regions regions = {0};
    struct http2_memory memory;
    char *blocks[BLOCKS];
    http2_memory_begin(&memory, &regions);
    for (int i = 0; i < BLOCKS; ++i) {
        if (i == BLOCKS / 10)
            http2_memory_seal(&memory);
        blocks[i] = http2_memory_malloc(BYTES, &memory);
        assert_non_null(blocks[i]);
        memset(blocks[i], i, BYTES);
    }
    for (int i = 0; i < BLOCKS; ++i) {
        blocks[i] = http2_memory_realloc(blocks[i], i % 2 == 0 ? BYTES / 2 : 2 * BYTES, &memory);
        for (int j = 0; j < BYTES / 2; ++j)
            assert_int_equal(blocks[i][j], i);
        http2_memory_free(blocks[i], &memory);
    }
    http2_memory_finish(&memory, &regions);
    http2_regions_finish(&regions);
}

static void more_than_a_region_holds_comes_from_malloc(void **state)
{
    struct http2_regions regions = {0};
    struct http2_memory memory;
    http2_memory_begin(&memory, &regions);
    char *large = http2_memory_malloc(1000 * 1000, &memory);
    memset(large, 1, 1000 * 1000);
    http2_memory_free(large, &memory);
    http2_memory_finish(&memory, &regions);
    http2_regions_finish(&regions);
}

static void a_region_is_used_again_and_is_zero_where_that_is_asked_for(void **state)
{
    struct http2_regions regions = {0};
    struct http2_memory memory;
    http2_memory_begin(&memory, &regions);
    char *first = http2_memory_malloc(1000, &memory);
    memset(first, 1, 1000);
    http2_memory_finish(&memory, &regions);
    http2_memory_begin(&memory, &regions);
    char *again = http2_memory_calloc(100, 10, &memory);
    assert_ptr_equal(again, first);
    for (int i = 0; i < 1000; ++i)
        assert_int_equal(again[i], 0);
    http2_memory_finish(&memory, &regions);
    http2_regions_finish(&regions);
}

static void few_regions_wait_for_their_next_use(void **state)
{
    enum {
        SESSIONS = 200,
    };
    struct http2_regions regions = {0};
    struct http2_memory memory[SESSIONS];
    for (int i = 0; i < SESSIONS; ++i)
        http2_memory_begin(&memory[i], &regions);
    for (int i = 0; i < SESSIONS; ++i)
        http2_memory_finish(&memory[i], &regions);
    assert_in_range(regions.count, 1, SESSIONS / 2);
    http2_regions_finish(&regions);
    assert_null(regions.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_touched_costs_nothing),
        cmocka_unit_test(blocks_are_apart_and_keep_what_they_hold),
        cmocka_unit_test(more_than_a_region_holds_comes_from_malloc),
        cmocka_unit_test(a_region_is_used_again_and_is_zero_where_that_is_asked_for),
        cmocka_unit_test(few_regions_wait_for_their_next_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
