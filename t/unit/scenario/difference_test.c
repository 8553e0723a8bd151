#include "scenario/difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* What is shown of two texts. */

static void assert_difference(const char *expected, const char *seen, const char *shown)
{
    struct text out = TEXT_INIT;
    difference_print(slice_from_text(expected), slice_from_text(seen), &out);
    assert_string_equal(out.data == NULL ? "" : out.data, shown);
    text_finish(&out);
}

static void shows_what_is_missing_and_what_is_new(void **state)
{
    assert_difference("", "", "");
    assert_difference("a\n", "a\n", "  a\n");
    assert_difference("a\n", "", "- a\n");
    assert_difference("", "a\n", "+ a\n");
    assert_difference("a\nb\nc\n", "a\nc\n", "  a\n- b\n  c\n");
    assert_difference("a\nc\n", "a\nb\nc\n", "  a\n+ b\n  c\n");
    assert_difference("a\nb\nc\n", "a\nx\nc\n", "  a\n- b\n+ x\n  c\n");
    assert_difference("a\nb\nc\nd\n", "b\nx\nd\ne\n", "- a\n  b\n- c\n+ x\n  d\n+ e\n");
    assert_difference("a\na\n", "a\n", "  a\n- a\n");
}

static void leaves_out_what_is_far_from_a_change(void **state)
{
    assert_difference("head\n1\n2\n3\n4\nold\n5\n6\n7\n8\n", "head\n1\n2\n3\n4\nnew\n5\n6\n7\n8\n",
                      "  head\n  ...\n  2\n  3\n  4\n- old\n+ new\n  5\n  6\n  7\n  ...\n");
}

static void shows_bytes_that_are_no_text(void **state)
{
    assert_difference("\x01\xff\tGr\xc3\xbc\xc3\x9f\x1b[0m\xc3\n", "",
                      "- \\x01\\xff\tGr\xc3\xbc\xc3\x9f\\x1b[0m\\xc3\n");
}

static void cuts_long_lines(void **state)
{
    char line[301], cut[200];
    memset(line, 'x', 300);
    line[300] = '\0';
    snprintf(cut, sizeof(cut), "- %.158s... (142 bytes more)\n", line);
    assert_difference(line, "", cut);
}

static void gives_up_on_very_many_lines(void **state)
{
    struct text old = TEXT_INIT, new = TEXT_INIT, out = TEXT_INIT;
    for (int i = 0; i < 3000; ++i) {
        text_print(&old, "old %d\n", i);
        text_print(&new, "new %d\n", i);
    }
    difference_print(text_slice(&old), text_slice(&new), &out);
    assert_true(slice_starts_with(text_slice(&out), SLICE("- old 0\n- old 1\n")));
    assert_true(slice_ends_with(text_slice(&out), SLICE("+ new 2999\n")));
    text_finish(&old);
    text_finish(&new);
    text_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_is_missing_and_what_is_new), cmocka_unit_test(leaves_out_what_is_far_from_a_change),
        cmocka_unit_test(shows_bytes_that_are_no_text),          cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(gives_up_on_very_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
