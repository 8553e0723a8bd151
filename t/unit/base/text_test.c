#include "base/arena.h"
#include "base/slice.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_slice(slice, text) assert_slice_at(slice, text, __LINE__)

static void assert_slice_at(struct slice slice, const char *text, int line)
{
    if (!slice_equals(slice, slice_from_text(text)))
        fail_msg("line %d: '%.*s' is not '%s'", line, SLICE_ARG(slice), text);
}

static void compares_with_and_without_case(void **state)
{
    assert_true(slice_equals(SLICE(""), SLICE_NONE));
    assert_false(slice_equals(SLICE("a"), SLICE("A")));
    assert_true(slice_equals_nocase(SLICE("Content-LENGTH"), SLICE("content-length")));
    assert_false(slice_equals_nocase(SLICE("ab"), SLICE("abc")));
    /* only ASCII letters fold: '@' and '`' are 32 apart, as 'A' and 'a' are */
    assert_false(slice_equals_nocase(SLICE("@"), SLICE("`")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("")));
    assert_false(slice_starts_with(SLICE("ab"), SLICE("abc")));
    assert_true(slice_starts_with_nocase(SLICE("ABC"), SLICE("ab")));
    assert_true(slice_ends_with(SLICE("a.example"), SLICE(".example")));
    assert_false(slice_ends_with(SLICE("example"), SLICE(".example")));
    assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
    assert_int_equal(slice_compare(SLICE("abc"), SLICE("abc")), 0);
}

static void folds_no_byte_but_letters_wherever_it_stands(void **state)
{
    char one[] = "0123456789a", other[] = "0123456789A";
    size_t length = sizeof(one) - 1;
    for (size_t place = 0; place < length - 1; ++place) {
        char kept = one[place];
        for (int a = 0; a < 256; ++a) {
            for (int b = 0; b < 256; ++b) {
                one[place] = (char)a;
                other[place] = (char)b;
                bool is_equal = ascii_lower((char)a) == ascii_lower((char)b);
                if (slice_equals_nocase(slice_of(one, length), slice_of(other, length)) != is_equal)
                    fail_msg("bytes %d and %d at %zu", a, b, place);
            }
        }
        one[place] = other[place] = kept;
    }
}

static void takes_lists_apart(void **state)
{
    struct slice rest = SLICE(" a, b\t,,c ");
    assert_slice(slice_next_item(&rest, ','), "a");
    assert_slice(slice_next_item(&rest, ','), "b");
    assert_slice(slice_next_item(&rest, ','), "");
    assert_slice(slice_next_item(&rest, ','), "c");
    assert_int_equal(rest.length, 0);
    assert_slice(slice_trim(SLICE(" \t ")), "");
    assert_int_equal(slice_find(SLICE("abc"), 'x'), 3);
    assert_int_equal(slice_find(SLICE_NONE, 'x'), 0);
}

static void reads_numbers_and_nothing_else(void **state)
{
    static const char *const wrong[] = {"", "+5", "-5", " 5", "5 ", "0x5", "5e0", "5.0", "18446744073709551616"};
    uint64_t number;
    assert_true(slice_parse_number(SLICE("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_true(slice_parse_number(SLICE("007"), &number));
    assert_int_equal(number, 7);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        if (slice_parse_number(slice_from_text(wrong[i]), &number))
            fail_msg("'%s' was read as a number", wrong[i]);
    }
}

struct unit_row {
    const char *text;
    int64_t value; /* -1: refused */
};

static void reads_durations(void **state)
{
    static const struct unit_row rows[] = {
        {"0", 0},         {"250ms", 250},      {"1.5s", 1500},
        {"0.001s", 1},    {"10m", 600000},     {"2h", 7200000},
        {"1d", 86400000}, {"1y", 31536000000}, {"1 s", 1000},
        {"10", -1},       {"1.5ms", -1},       {"-1s", -1},
        {"s", -1},        {"1.s", -1},         {"1.2345s", -1},
        {".5s", -1},      {"1x", -1},          {"", -1},
        {"1.5.5s", -1},   {"1s s", -1},        {"99999999999999999999s", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        int64_t value = -1;
        bool read = units_parse_duration_ms(slice_from_text(rows[i].text), &value);
        if (read != (rows[i].value >= 0) || (read && value != rows[i].value))
            fail_msg("'%s' gave %s %lld", rows[i].text, read ? "yes" : "no", (long long)value);
    }
}

static void reads_sizes(void **state)
{
    static const struct unit_row rows[] = {
        {"0", 0},
        {"512", 512},
        {"64KB", 65536},
        {"64kb", 65536},
        {"1KiB", 1024},
        {"16MB", 16777216},
        {"1.5GB", 1610612736},
        {"4 k", 4096},
        {"1.5", -1},
        {"0.0001KB", -1},
        {"KB", -1},
        {"-1", -1},
        {"1TB", -1},
        {"9223372036854775807GB", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        int64_t value = -1;
        bool read = units_parse_size_bytes(slice_from_text(rows[i].text), &value);
        if (read != (rows[i].value >= 0) || (read && value != rows[i].value))
            fail_msg("'%s' gave %s %lld", rows[i].text, read ? "yes" : "no", (long long)value);
    }
}

static void reads_fractions(void **state)
{
    static const struct {
        const char *text;
        bool is_number;
        double value;
    } rows[] = {
        {"0", true, 0},        {"0.5", true, 0.5},  {"-2", true, -2},  {"+2", true, 2},     {"1e3", true, 1000},
        {"2.5E-1", true, .25}, {"1e+2", true, 100}, {"", false, 0},    {".5", false, 0},    {"5.", false, 0},
        {"1,5", false, 0},     {"1e", false, 0},    {"1e+", false, 0}, {"0x10", false, 0},  {"inf", false, 0},
        {"nan", false, 0},     {" 1", false, 0},    {"1 ", false, 0},  {"1e999", false, 0}, {"--1", false, 0},
        {"1.2.3", false, 0},   {"1e2e3", false, 0}, {"-", false, 0},   {"-.5", false, 0},   {"1e-999", true, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        double value = -1;
        bool is_number = units_parse_number(slice_from_text(rows[i].text), &value);
        if (is_number != rows[i].is_number || (is_number && value != rows[i].value))
            fail_msg("'%s' gave %s %f", rows[i].text, is_number ? "yes" : "no", value);
    }
    char longest[] = "0.00000000000000000000000000000000000000000000000000000000000001";
    double value;
    assert_false(units_parse_number(slice_from_text(longest), &value));
    longest[sizeof(longest) - 2] = '\0';
    assert_true(units_parse_number(slice_from_text(longest), &value));
}

static void text_grows_and_shrinks(void **state)
{
    struct text text = TEXT_INIT;
    for (int i = 0; i < 1000; ++i)
        text_print(&text, "%d,", i);
    assert_int_equal(text.length, 3890);
    assert_memory_equal(text.data, "0,1,2,", 6);
    assert_string_equal(text.data + text.length - 4, "999,");
    text_consume(&text, text.length - 4);
    assert_string_equal(text.data, "999,");
    text_add_char(&text, '!');
    text_add(&text, SLICE_NONE);
    assert_slice(text_slice(&text), "999,!");
    text_clear(&text);
    assert_string_equal(text.data, "");
    text_finish(&text);
    text_consume(&text, 0);
    assert_null(text.data);
}

static const char *suggest(const char *wanted, char phrase[SUGGEST_PHRASE_BYTES])
{
    static const char *const words[] = {"listen", "routes", "upstreams", "workers", "to"};
    struct suggest search = suggest_start(slice_from_text(wanted));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i)
        suggest_offer(&search, slice_from_text(words[i]));
    return suggest_phrase(&search, phrase);
}

static void suggests_only_what_is_near(void **state)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    assert_string_equal(suggest("upstream", phrase), " (did you mean 'upstreams'?)");
    assert_string_equal(suggest("lisetn", phrase), " (did you mean 'listen'?)");
    assert_string_equal(suggest("Routes", phrase), " (did you mean 'routes'?)");
    assert_string_equal(suggest("xyz", phrase), "");
    assert_string_equal(suggest("", phrase), "");
    char long_word[300];
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    assert_string_equal(suggest(long_word, phrase), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_with_and_without_case),
        cmocka_unit_test(folds_no_byte_but_letters_wherever_it_stands),
        cmocka_unit_test(takes_lists_apart),
        cmocka_unit_test(reads_numbers_and_nothing_else),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_fractions),
        cmocka_unit_test(text_grows_and_shrinks),
        cmocka_unit_test(suggests_only_what_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
