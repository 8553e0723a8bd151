#include "filter/original_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The allocator that libraries in Zig get: what it gives is zero, as it was asked for, and stays until the end. */

static const struct flexilib_zig_allocator_calls *calls_of(struct original_memory *memory)
{
    return memory->allocator.calls;
}

static void what_is_given_is_zero_and_aligned(void **state)
{
    struct original_memory memory;
    original_memory_init(&memory);
    void *context = memory.allocator.context;
    for (unsigned bits = 0; bits <= 16; ++bits) {
        for (size_t length = 1; length <= 20000; length = length * 3 + 1) {
            /* callers leave anything in the bytes above the lowest */
            char *data = calls_of(&memory)->alloc(context, length, 0xabcd00 + bits, 0);
            assert_non_null(data);
            assert_int_equal((uintptr_t)data % ((uintptr_t)1 << bits), 0);
            for (size_t i = 0; i < length + 3 * sizeof(void *); ++i)
                assert_int_equal(data[i], 0);
            memset(data, 0xff, length);
        }
    }
    original_memory_finish(&memory);
}

static void what_is_too_much_is_not_given(void **state)
{
    struct original_memory memory;
    original_memory_init(&memory);
    void *context = memory.allocator.context;
    assert_null(calls_of(&memory)->alloc(context, SIZE_MAX, 0, 0));
    assert_null(calls_of(&memory)->alloc(context, SIZE_MAX / 2, 4, 0));
    assert_null(calls_of(&memory)->alloc(context, 1, 63, 0));
    assert_non_null(calls_of(&memory)->alloc(context, 0, 0, 0));
    original_memory_finish(&memory);
}

static void only_less_fits_in_place(void **state)
{
    struct original_memory memory;
    original_memory_init(&memory);
    void *context = memory.allocator.context;
    char *data = calls_of(&memory)->alloc(context, 10, 0, 0);
    assert_false(calls_of(&memory)->resize(context, data, 10, 0, 11, 0));
    assert_true(calls_of(&memory)->resize(context, data, 10, 0, 10, 0));
    assert_true(calls_of(&memory)->resize(context, data, 10, 0, 3, 0));
    strcpy(data, "ab");
    calls_of(&memory)->free(context, data, 3, 0, 0);
    assert_string_equal(data, "ab");
    assert_string_equal(original_memory_copy(&memory, "text more", 4), "text");
    original_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_zero_and_aligned),
        cmocka_unit_test(what_is_too_much_is_not_given),
        cmocka_unit_test(only_less_fits_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
