#include "http/byte_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *field, uint64_t size, enum byte_range_result wanted, uint64_t start, uint64_t length)
{
    struct byte_range range = {0, 0};
    enum byte_range_result result = byte_range_parse(slice_from_text(field), size, &range);
    if (result != wanted)
        fail_msg("'%s' of %ju gives %d, not %d", field, (uintmax_t)size, result, wanted);
    assert_int_equal(range.start, start);
    assert_int_equal(range.length, length);
}

static void test_one_range(void **state)
{
    expect("bytes=0-0", 10, BYTE_RANGE_ONE, 0, 1);
    expect("bytes=0-9", 10, BYTE_RANGE_ONE, 0, 10);
    expect("bytes=2-5", 10, BYTE_RANGE_ONE, 2, 4);
    expect("bytes=9-", 10, BYTE_RANGE_ONE, 9, 1);
    expect("Bytes= 2-5 ", 10, BYTE_RANGE_ONE, 2, 4);
    expect("bytes=5-99", 10, BYTE_RANGE_ONE, 5, 5);
    expect("bytes=5-18446744073709551615", 10, BYTE_RANGE_ONE, 5, 5);
    expect("bytes=-1", 10, BYTE_RANGE_ONE, 9, 1);
    expect("bytes=-10", 10, BYTE_RANGE_ONE, 0, 10);
    expect("bytes=-18446744073709551615", 10, BYTE_RANGE_ONE, 0, 10);
    expect("bytes=0-", UINT64_MAX, BYTE_RANGE_ONE, 0, UINT64_MAX);
}

static void test_beyond_the_end(void **state)
{
    expect("bytes=10-", 10, BYTE_RANGE_NONE, 0, 0);
    expect("bytes=10-12", 10, BYTE_RANGE_NONE, 0, 0);
    expect("bytes=18446744073709551615-", 10, BYTE_RANGE_NONE, 0, 0);
    expect("bytes=-0", 10, BYTE_RANGE_NONE, 0, 0);
    expect("bytes=0-", 0, BYTE_RANGE_NONE, 0, 0);
    expect("bytes=-5", 0, BYTE_RANGE_IGNORED, 0, 0);
}

static void test_what_is_ignored(void **state)
{
    static const char *const fields[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=1",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1-2,4-5",
        "bytes=1-2,",
        "bytes=0x1-2",
        "bytes=1 -2",
        "bytes 1-2",
        "bytes=1-2-3",
        "items=0-5",
        "bytes=1-+2",
        "bytes=1.0-2",
        "bytes=-5,1-2",
        "bytes=1-18446744073709551616",
        "bytes=18446744073709551616-",
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i)
        expect(fields[i], 10, BYTE_RANGE_IGNORED, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_range),
        cmocka_unit_test(test_beyond_the_end),
        cmocka_unit_test(test_what_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
