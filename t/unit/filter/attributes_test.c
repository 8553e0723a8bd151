#include "filter/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_attribute(const struct attributes *attributes, const char *name, const char *value)
{
    const struct attribute *attribute = attributes_find(attributes, slice_from_text(name));
    assert_non_null(attribute);
    assert_true(slice_equals(attribute->value, slice_from_text(value)));
}

static void are_copied_and_replaced(void **state)
{
    struct arena arena;
    struct attributes attributes = {0};
    char name[] = "jwt.sub", value[] = "alice";
    arena_init(&arena, 0);
    assert_null(attributes_find(&attributes, SLICE("jwt.sub")));
    assert_null(attributes_set(&attributes, &arena, slice_from_text(name), slice_from_text(value)));
    struct slice first = attributes_find(&attributes, SLICE("jwt.sub"))->value;
    memset(name, 'x', 3);
    memset(value, 'x', 3);
    expect_attribute(&attributes, "jwt.sub", "alice");
    assert_null(attributes_set(&attributes, &arena, SLICE("jwt.aud"), SLICE("")));
    assert_null(attributes_set(&attributes, &arena, SLICE("jwt.sub"), SLICE("bob \xc3\xa4")));
    expect_attribute(&attributes, "jwt.sub", "bob \xc3\xa4");
    expect_attribute(&attributes, "jwt.aud", "");
    assert_int_equal(attributes.count, 2);
    assert_true(slice_equals(first, SLICE("alice")));
    arena_finish(&arena);
}

static void bad_ones_change_nothing(void **state)
{
    static const struct slice values[] = {{"a\nb", 3}, {"a\0b", 3}, {"\t", 1}, {"\x7f", 1}};
    struct arena arena;
    struct attributes attributes = {0};
    arena_init(&arena, 0);
    assert_string_equal(attributes_set(&attributes, &arena, SLICE("sub"), SLICE("x")),
                        "an attribute's name is FILTER.NAME, of 128 characters at most");
    assert_string_equal(attributes_set(&attributes, &arena, SLICE("header.x"), SLICE("x")),
                        "names of attributes do not begin with a word of FlexiLib's own");
    assert_null(attributes_set(&attributes, &arena, SLICE("a.b"), SLICE("kept")));
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); ++i)
        assert_string_equal(attributes_set(&attributes, &arena, SLICE("a.b"), values[i]),
                            "an attribute's value holds no control character");
    expect_attribute(&attributes, "a.b", "kept");
    assert_int_equal(attributes.count, 1);
    arena_finish(&arena);
}

static void number_and_size_are_bounded(void **state)
{
    static char large[ATTRIBUTES_LARGEST_VALUE_BYTES + 1];
    struct arena arena;
    struct attributes attributes = {0};
    char name[16];
    arena_init(&arena, 0);
    memset(large, 'a', sizeof(large));
    assert_string_equal(attributes_set(&attributes, &arena, SLICE("a.b"), slice_of(large, sizeof(large))),
                        "an attribute's value has 16 KB at most");
    for (int i = 0; i < ATTRIBUTES_MOST; ++i) {
        snprintf(name, sizeof(name), "a.%d", i);
        assert_null(attributes_set(&attributes, &arena, slice_from_text(name), SLICE("x")));
    }
    assert_string_equal(attributes_set(&attributes, &arena, SLICE("a.b"), SLICE("x")),
                        "an exchange has 64 attributes at most");
    int count = 0;
    while (attributes_set(&attributes, &arena, SLICE("a.0"), slice_of(large, sizeof(large) - 1)) == NULL)
        ++count;
    assert_int_equal(count, ATTRIBUTES_MOST_BYTES / ATTRIBUTES_LARGEST_VALUE_BYTES - 1);
    assert_string_equal(attributes_set(&attributes, &arena, SLICE("a.0"), slice_of(large, sizeof(large) - 1)),
                        "the attributes of an exchange have 256 KB at most, with what was replaced");
    assert_true(attributes.bytes <= ATTRIBUTES_MOST_BYTES);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_copied_and_replaced),
        cmocka_unit_test(bad_ones_change_nothing),
        cmocka_unit_test(number_and_size_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
