#include "filter/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_headers(const struct headers *headers, const char *expected)
{
    char text[512] = "";
    size_t length = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        memcpy(text + length, headers->items[i].name.data, headers->items[i].name.length);
        length += headers->items[i].name.length;
        text[length++] = '=';
        memcpy(text + length, headers->items[i].value.data, headers->items[i].value.length);
        length += headers->items[i].value.length;
        text[length++] = ' ';
    }
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static void keeps_order_and_compares_without_case(void **state)
{
    struct arena arena;
    struct headers headers = {0};
    arena_init(&arena, 0);
    headers_add(&headers, &arena, SLICE("A"), SLICE("1"));
    headers_add(&headers, &arena, SLICE("b"), SLICE("2"));
    headers_add(&headers, &arena, SLICE("a"), SLICE("3"));
    headers_add(&headers, &arena, SLICE("c"), SLICE(""));
    headers_add(&headers, &arena, SLICE("B"), SLICE("4"));
    expect_headers(&headers, "A=1 b=2 a=3 c= B=4 ");
    assert_true(slice_equals(headers_find(&headers, SLICE("B"))->value, SLICE("2")));
    assert_null(headers_find(&headers, SLICE("d")));
    assert_null(headers_find(&headers, SLICE("")));

    headers_set(&headers, &arena, SLICE("a"), SLICE("new"));
    expect_headers(&headers, "a=new b=2 c= B=4 ");
    headers_set(&headers, &arena, SLICE("d"), SLICE("5"));
    expect_headers(&headers, "a=new b=2 c= B=4 d=5 ");
    assert_int_equal(headers_remove(&headers, SLICE("b")), 2);
    assert_int_equal(headers_remove(&headers, SLICE("b")), 0);
    expect_headers(&headers, "a=new c= d=5 ");
    assert_int_equal(headers_remove(&headers, SLICE("D")), 1);
    expect_headers(&headers, "a=new c= ");
    arena_finish(&arena);
}

static void empty_list_is_fine(void **state)
{
    struct headers headers = {0};
    assert_null(headers_find(&headers, SLICE("a")));
    assert_int_equal(headers_remove(&headers, SLICE("a")), 0);
}

static void names_are_tokens(void **state)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (int c = 0; c < 256; ++c) {
        char name[3] = {'x', (char)c, 'y'};
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_mark = c != 0 && strchr(marks, c) != NULL;
        assert_int_equal(header_is_name(slice_of(name, 3)), is_word || is_mark);
    }
    assert_false(header_is_name(SLICE_NONE));
}

static void values_have_no_controls_and_no_blanks_at_the_ends(void **state)
{
    for (int c = 0; c < 256; ++c) {
        char value[3] = {'x', (char)c, 'y'};
        assert_int_equal(header_is_value(slice_of(value, 3)), (c >= 0x20 && c != 0x7f) || c == '\t');
    }
    assert_true(header_is_value(SLICE_NONE));
    assert_true(header_is_value(SLICE("a b\tc")));
    assert_false(header_is_value(SLICE(" a")));
    assert_false(header_is_value(SLICE("a\t")));
    assert_false(header_is_value(SLICE(" ")));
}

static void hop_by_hop_fields_are_known(void **state)
{
    static const char *const hop_by_hop[] = {"Connection", "CONTENT-LENGTH", "keep-alive",        "proxy-connection",
                                             "TE",         "Trailer",        "transfer-encoding", "upgrade"};
    static const char *const end_to_end[] = {"",       "t",        "ta",   "trailers",         "content-type",
                                             "cookie", "upgraded", "host", "transfer-encodins"};
    for (size_t i = 0; i < sizeof(hop_by_hop) / sizeof(hop_by_hop[0]); ++i)
        assert_true(header_is_hop_by_hop(slice_from_text(hop_by_hop[i])));
    for (size_t i = 0; i < sizeof(end_to_end) / sizeof(end_to_end[0]); ++i)
        assert_false(header_is_hop_by_hop(slice_from_text(end_to_end[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_compares_without_case),
        cmocka_unit_test(empty_list_is_fine),
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(values_have_no_controls_and_no_blanks_at_the_ends),
        cmocka_unit_test(hop_by_hop_fields_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
