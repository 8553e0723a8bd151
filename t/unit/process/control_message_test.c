#include "process/control_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_a_line_is_taken_apart(void **state)
{
    struct control_line line;
    assert_true(control_line_parse(SLICE("server\tshop\t\thttp://a b"), &line));
    assert_int_equal(line.count, 4);
    assert_true(slice_equals(control_line_field(&line, 0), SLICE("server")));
    assert_true(slice_equals(control_line_field(&line, 2), SLICE("")));
    assert_true(slice_equals(control_line_field(&line, 3), SLICE("http://a b")));
    assert_int_equal(control_line_field(&line, 4).length, 0);
    assert_true(control_line_parse(SLICE(""), &line));
    assert_int_equal(line.count, 1);
    assert_true(control_line_parse(SLICE("\t\t\t\t\t\t\t"), &line));
    assert_int_equal(line.count, CONTROL_FIELDS);
}

static void test_wrong_lines_are_refused(void **state)
{
    static const struct slice wrong[] = {SLICE("a\nb"),    SLICE("a\0b"), SLICE("a\rb"),
                                         SLICE("\x1b[1m"), SLICE("\x7f"), SLICE("\t\t\t\t\t\t\t\t")};
    struct control_line line;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i)
        assert_false(control_line_parse(wrong[i], &line));
    char *long_line = malloc(CONTROL_LINE_BYTES + 1);
    memset(long_line, 'x', CONTROL_LINE_BYTES + 1);
    assert_true(control_line_parse(slice_of(long_line, CONTROL_LINE_BYTES), &line));
    assert_false(control_line_parse(slice_of(long_line, CONTROL_LINE_BYTES + 1), &line));
    free(long_line);
}

static void test_a_request_survives_the_wire(void **state)
{
    struct text text = TEXT_INIT;
    struct control_line line;
    control_begin_request(&text, SLICE("drain"));
    control_add_field(&text, SLICE("shop"));
    control_add_field(&text, SLICE("http://\ta\n"));
    control_end_line(&text);
    assert_string_equal(text.data, "flexilib\t1\tdrain\tshop\thttp://?a?\n");
    assert_true(control_line_parse(slice_of(text.data, text.length - 1), &line));
    assert_null(control_request_check(&line));
    assert_int_equal(line.count, 3);
    assert_true(slice_equals(line.fields[0], SLICE("drain")));
    text_finish(&text);
}

static void test_an_answer_ends_with_its_status(void **state)
{
    struct text text = TEXT_INIT;
    control_add_field(&text, SLICE("server"));
    control_end_line(&text);
    control_end_answer(&text, 0, NULL);
    control_end_answer(&text, 1, "no %s\n", "way");
    assert_string_equal(text.data, "server\nend\t0\nend\t1\tno way?\n");
    text_finish(&text);
}

static void test_random_bytes_never_break_the_parser(void **state)
{
    static const char *const starts[] = {"", "flexilib\t1\t", "flexilib\t", "end\t"};
    unsigned seed = 1;
    char bytes[128];
    struct control_line line;
    for (int round = 0; round < 200000; ++round) {
        const char *start = starts[round % 4];
        size_t length = strlen(start);
        memcpy(bytes, start, length);
        for (size_t more = (size_t)rand_r(&seed) % 100; more != 0; --more)
            bytes[length++] = (char)(round % 2 == 0 ? rand_r(&seed) % 256 : "\tab1 ~"[rand_r(&seed) % 6]);
        if (!control_line_parse(slice_of(bytes, length), &line))
            continue;
        size_t total = line.count - 1;
        for (size_t i = 0; i < line.count; ++i)
            total += line.fields[i].length;
        assert_int_equal(total, length);
        if (control_request_check(&line) == NULL)
            assert_true(line.count >= 1 && line.count <= CONTROL_FIELDS - 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_taken_apart),
        cmocka_unit_test(test_wrong_lines_are_refused),
        cmocka_unit_test(test_a_request_survives_the_wire),
        cmocka_unit_test(test_an_answer_ends_with_its_status),
        cmocka_unit_test(test_random_bytes_never_break_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
