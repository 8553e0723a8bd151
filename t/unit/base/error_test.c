#include "base/characters.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char *describe(struct slice content, unsigned line, unsigned column)
{
    struct source_text text = {"a.yaml", content};
    struct error error = ERROR_INIT;
    struct text out = TEXT_INIT;
    assert_false(error_set_at(&error, (struct place){&text, line, column}, "wrong"));
    error_describe(&error, &out);
    return out.data;
}

static void assert_described(struct slice content, unsigned line, unsigned column, const char *wanted)
{
    char *described = describe(content, line, column);
    assert_string_equal(described, wanted);
    free(described);
}

static void shows_the_line_with_a_caret(void **state)
{
    assert_described(SLICE("a: b\nc: d\ne: f\n"), 2, 4, "a.yaml:2:4: wrong\n    c: d\n       ^");
    assert_described(SLICE("a: b\r\nc: d\r\n"), 1, 1, "a.yaml:1:1: wrong\n    a: b\n    ^");
    assert_described(SLICE("a:"), 1, 3, "a.yaml:1:3: wrong\n    a:\n      ^");
    assert_described(SLICE("a:"), 1, 99, "a.yaml:1:3: wrong\n    a:\n      ^");
    assert_described(SLICE("a:\n"), 9, 1, "a.yaml:9:1: wrong");
    assert_described(SLICE("\tx: y\n"), 1, 2, "a.yaml:1:2: wrong\n    \tx: y\n    \t^");
}

static void counts_characters_and_not_bytes(void **state)
{
    /* u with diaeresis and sharp s: two bytes, one column each */
    assert_described(SLICE("n: Gr\xc3\xbc\xc3\x9f"
                           "e x\n"),
                     1, 11,
                     "a.yaml:1:9: wrong\n    n: Gr\xc3\xbc\xc3\x9f"
                     "e x\n            ^");
    /* the middle of a character is its beginning */
    assert_described(SLICE("\xc3\xbcx\n"), 1, 2, "a.yaml:1:1: wrong\n    \xc3\xbcx\n    ^");
    /* two wide characters, and an accent that stands above the e */
    assert_described(SLICE("\xe6\x97\xa5\xe6\x9c\xac x\n"), 1, 8,
                     "a.yaml:1:4: wrong\n    \xe6\x97\xa5\xe6\x9c\xac x\n         ^");
    assert_described(SLICE("e\xcc\x81 x\n"), 1, 5, "a.yaml:1:4: wrong\n    e\xcc\x81 x\n      ^");
}

static void shows_nothing_that_a_terminal_obeys(void **state)
{
    assert_described(SLICE("a\x1b[31m x\n"), 1, 8, "a.yaml:1:8: wrong\n    a?[31m x\n           ^");
    assert_described(SLICE("\xc2\x9b"
                           "1m x\n"),
                     1, 6, "a.yaml:1:5: wrong\n    ?1m x\n        ^");
    assert_described(SLICE("\xe2\x80\xae x\n"), 1, 5, "a.yaml:1:3: wrong\n    ? x\n      ^");
    assert_described(SLICE("Gr\xfc\xdf"
                           "e x\n"),
                     1, 7, "a.yaml:1:7: wrong\n    Gr??e x\n          ^");
    assert_described(SLICE("\xf0\x9f\n"), 1, 2, "a.yaml:1:2: wrong\n    ??\n     ^");
}

/* The caret stands under the digit that the place is at, wherever in a long line. */
static void shows_the_surroundings_in_a_long_line(void **state)
{
    char line[2001];
    for (size_t i = 0; i < sizeof(line) - 1; ++i)
        line[i] = i % 7 == 0 ? '7' : 'x';
    line[sizeof(line) - 1] = '\0';
    for (unsigned column = 1; column <= 2000; column += 7) {
        char *described = describe(slice_from_text(line), 1, column);
        char *shown = strchr(described, '\n') + 1;
        char *caret = strchr(shown, '\n') + 1;
        assert_true(caret - shown < 180);
        assert_int_equal(shown[strlen(caret) - 1], '7');
        assert_int_equal(strncmp(shown, column > 101 ? "    ..." : "    7", 5), 0);
        free(described);
    }
}

static void cuts_long_lines_between_characters(void **state)
{
    struct text line = TEXT_INIT;
    for (int i = 0; i < 300; ++i)
        text_add(&line, SLICE("\xe2\x82\xac"));
    for (unsigned column = 1; column < 900; ++column) {
        char *described = describe(text_slice(&line), 1, column);
        assert_null(strchr(described, '?'));
        for (struct slice rest = slice_from_text(described); rest.length != 0;) {
            assert_int_not_equal(character_length(rest), 0);
            rest = slice_skip(rest, character_length(rest));
        }
        free(described);
    }
    text_finish(&line);
}

static void knows_well_formed_characters(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"a", 1},        {"\xc3\xa9", 2},     {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98\x80", 4}, {"\x80", 0},
                 {"\xc0\x80", 0}, {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf5\x80\x80\x80", 0}, {"\xe2\x82", 0},
                 {"", 0},         {"\xff", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        assert_int_equal(character_length(slice_from_text(cases[i].bytes)), cases[i].length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_line_with_a_caret),         cmocka_unit_test(counts_characters_and_not_bytes),
        cmocka_unit_test(shows_nothing_that_a_terminal_obeys), cmocka_unit_test(shows_the_surroundings_in_a_long_line),
        cmocka_unit_test(cuts_long_lines_between_characters),  cmocka_unit_test(knows_well_formed_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
