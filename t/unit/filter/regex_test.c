#include "filter/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static struct flexilib_regex *compile(const char *pattern)
{
    struct regex_problem problem;
    struct flexilib_regex *regex = regex_create(slice_from_text(pattern), &problem);
    if (regex == NULL)
        fail_msg("%s: %s", pattern, problem.words);
    return regex;
}

static void expect_text(struct flexilib_text text, const char *expected)
{
    assert_non_null(text.data);
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.data, expected, text.length);
}

static void finds_groups(void **state)
{
    struct flexilib_regex *regex = compile("(\\w+)=(\\d+)?(x)?");
    struct flexilib_text groups[6] = {{NULL, 7}, {NULL, 7}, {NULL, 7}, {NULL, 7}, {NULL, 7}, {NULL, 7}};
    assert_int_equal(regex_match(regex, SLICE("  a=12; b="), 0, groups, 6), 4);
    expect_text(groups[0], "a=12");
    expect_text(groups[1], "a");
    expect_text(groups[2], "12");
    assert_null(groups[3].data);
    assert_int_equal(groups[3].length, 0);
    assert_int_equal(groups[4].length, 7);
    assert_int_equal(regex_match(regex, SLICE("  a=12; b="), 6, groups, 2), 4);
    expect_text(groups[0], "b=");
    expect_text(groups[1], "b");
    expect_text(groups[2], "12");
    assert_int_equal(regex_match(regex, SLICE("  a=12; b="), 0, NULL, 0), 4);
    regex_destroy(regex);
    regex_destroy(NULL);
}

static void finds_nothing(void **state)
{
    struct flexilib_regex *regex = compile("b+");
    struct flexilib_text group;
    assert_int_equal(regex_match(regex, SLICE("aaa"), 0, &group, 1), 0);
    assert_int_equal(regex_match(regex, SLICE("abb"), 3, &group, 1), 0);
    assert_int_equal(regex_match(regex, SLICE("abb"), 4, &group, 1), 0);
    assert_int_equal(regex_match(regex, SLICE("abb"), SIZE_MAX, &group, 1), 0);
    assert_int_equal(regex_match(regex, SLICE_NONE, 0, &group, 1), 0);
    regex_destroy(regex);
    regex = compile("");
    assert_int_equal(regex_match(regex, SLICE_NONE, 0, &group, 1), 1);
    expect_text(group, "");
    regex_destroy(regex);
}

/* What stands before `from` is seen by the pattern, as ^ and \b need it. */
static void starts_within_the_text(void **state)
{
    struct flexilib_regex *regex = compile("^a");
    assert_int_equal(regex_match(regex, SLICE("aa"), 0, NULL, 0), 1);
    assert_int_equal(regex_match(regex, SLICE("aa"), 1, NULL, 0), 0);
    regex_destroy(regex);
    regex = compile("(?<=a)b");
    assert_int_equal(regex_match(regex, SLICE("ab"), 1, NULL, 0), 1);
    regex_destroy(regex);
}

static void takes_bytes_and_on_request_characters(void **state)
{
    struct flexilib_text group;
    struct flexilib_regex *regex = compile("^.b");
    assert_int_equal(regex_match(regex,
                                 SLICE("\xff"
                                       "b"),
                                 0, &group, 1),
                     1);
    assert_int_equal(regex_match(regex,
                                 SLICE("\xc3\xa9"
                                       "b"),
                                 0, &group, 1),
                     0);
    regex_destroy(regex);
    regex = compile("(*UTF).b");
    assert_int_equal(regex_match(regex,
                                 SLICE("\xff\xff\xc3\xa9"
                                       "b"),
                                 0, &group, 1),
                     1);
    assert_int_equal(group.length, 3);
    assert_int_equal(regex_match(regex,
                                 SLICE("\xff"
                                       "b"),
                                 0, &group, 1),
                     0);
    regex_destroy(regex);
}

static void tells_what_is_wrong(void **state)
{
    static const struct {
        const char *pattern, *words;
        size_t offset;
    } rows[] = {
        {"(abc", "missing closing parenthesis", 4},
        {"ab\\", "\\ at end of pattern", 3},
        {"[z-a]", "range out of order in character class", 3},
        {"(?<n>a)\\k<m>", "reference to non-existent subpattern", 10},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct regex_problem problem = {{0}, 0};
        assert_null(regex_create(slice_from_text(rows[i].pattern), &problem));
        assert_string_equal(problem.words, rows[i].words);
        assert_int_equal(problem.offset, rows[i].offset);
    }
}

/* Where this fails, the test does not end. The second text has many places at which a match might begin, of which none
 * takes so long by itself. */
static void gives_up_what_takes_too_long(void **state)
{
    static const char *const patterns[] = {"^(a+)+$",        "(a+)+$",  "(a|aa)+$",  "^(?:a+a+)+[yz]",
                                           "(?:\\w+\\s?)+$", "(a*)*$x", "(.*)*[pq]", "(*UTF)(a+)+$"};
    enum { LENGTH = 40000, STRETCH = 14 };
    char *text = malloc(LENGTH);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); ++i) {
        struct flexilib_regex *regex = compile(patterns[i]);
        memset(text, 'a', LENGTH);
        text[60] = '!';
        assert_int_equal(regex_match(regex, slice_of(text, 61), 0, NULL, 0), 0);
        for (size_t at = STRETCH; at < LENGTH; at += STRETCH + 1)
            text[at] = '!';
        text[LENGTH - 1] = '-';
        assert_int_equal(regex_match(regex, slice_of(text, LENGTH), 0, NULL, 0), 0);
        regex_destroy(regex);
    }
    free(text);
}

/* A match is found wherever it begins in a long text, also behind places that take some effort. */
static void finds_matches_far_behind(void **state)
{
    enum { LENGTH = 5000 };
    struct flexilib_text group;
    char *text = malloc(LENGTH);
    struct flexilib_regex *plain = compile("(?<!b)b"), *hard = compile("(?:a|aa)+b");
    for (size_t at = 1; at + 1 < LENGTH; at += 61) {
        memset(text, 'c', LENGTH);
        text[at] = 'b';
        assert_int_equal(regex_match(plain, slice_of(text, LENGTH), 0, &group, 1), 1);
        assert_ptr_equal(group.data, text + at);
        memset(text, 'c', LENGTH);
        for (size_t i = 0; i < at; i += 20)
            memset(text + i, 'a', at - i < 9 ? at - i : 9);
        text[at - 1] = 'a';
        text[at] = 'b';
        assert_int_equal(regex_match(hard, slice_of(text, LENGTH), 0, &group, 1), 1);
        assert_ptr_equal(group.data + group.length, text + at + 1);
    }
    regex_destroy(plain);
    regex_destroy(hard);
    free(text);
}

/* The code that JIT makes has a stack of 32 KB, which is too small for this. */
static void matches_what_takes_much_stack(void **state)
{
    enum { LENGTH = 20000 };
    struct flexilib_text group;
    char *text = malloc(LENGTH);
    memset(text, 'a', LENGTH);
    struct flexilib_regex *regex = compile("^(?:a|(b))*$");
    assert_int_equal(regex_match(regex, slice_of(text, LENGTH), 0, &group, 1), 2);
    assert_int_equal(group.length, LENGTH);
    regex_destroy(regex);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_groups),
        cmocka_unit_test(finds_nothing),
        cmocka_unit_test(starts_within_the_text),
        cmocka_unit_test(takes_bytes_and_on_request_characters),
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(gives_up_what_takes_too_long),
        cmocka_unit_test(finds_matches_far_behind),
        cmocka_unit_test(matches_what_takes_much_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
