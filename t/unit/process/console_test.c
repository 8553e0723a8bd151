#include "process/console.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct text seen;

static void on_line(void *data, struct slice line)
{
    text_add_char(&seen, '[');
    text_add(&seen, line);
    text_add_char(&seen, ']');
}

static struct console_lines *new_lines(void)
{
    text_clear(&seen);
    return calloc(1, sizeof(struct console_lines));
}

static void check_seen(const char *expected)
{
    assert_string_equal(seen.data == NULL ? "" : seen.data, expected);
}

static void test_lines_come_whole_however_they_are_cut(void **state)
{
    static const char text[] = "one\ntwo\r\n\nlast";
    for (size_t step = 1; step < sizeof(text); ++step) {
        struct console_lines *lines = new_lines();
        struct slice rest = SLICE("one\ntwo\r\n\nlast");
        while (rest.length != 0) {
            size_t taken = step < rest.length ? step : rest.length;
            console_lines_add(lines, slice_of(rest.data, taken), on_line, NULL);
            rest = slice_skip(rest, taken);
        }
        check_seen("[one][two][]");
        console_lines_finish(lines, on_line, NULL);
        check_seen("[one][two][][last]");
        console_lines_finish(lines, on_line, NULL);
        check_seen("[one][two][][last]");
        free(lines);
    }
}

static void check_long_line(size_t length, size_t first, size_t second)
{
    struct console_lines *lines = new_lines();
    struct text text = TEXT_INIT;
    struct text expected = TEXT_INIT;
    for (size_t i = 0; i < length; ++i)
        text_add_char(&text, 'x');
    text_add_char(&text, '\n');
    console_lines_add(lines, text_slice(&text), on_line, NULL);
    text_print(&expected, "[%.*s]", (int)first, text.data);
    if (second != 0)
        text_print(&expected, "[%.*s]", (int)second, text.data);
    check_seen(expected.data);
    assert_int_equal(lines->length, 0);
    text_finish(&text);
    text_finish(&expected);
    free(lines);
}

static void test_a_long_line_is_broken(void **state)
{
    check_long_line(CONSOLE_LINE_BYTES - 1, CONSOLE_LINE_BYTES - 1, 0);
    check_long_line(CONSOLE_LINE_BYTES, CONSOLE_LINE_BYTES, 0);
    check_long_line(CONSOLE_LINE_BYTES + 1, CONSOLE_LINE_BYTES, 1);
}

static int finish_seen(void **state)
{
    text_finish(&seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_whole_however_they_are_cut),
        cmocka_unit_test(test_a_long_line_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, finish_seen);
}
