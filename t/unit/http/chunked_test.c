#include "base/text.h"
#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

struct row {
    const char *data;
    size_t length;
    enum chunked_result result;
    const char *body; /* what has come out until then */
    const char *rest; /* with CHUNKED_DONE: what is left of the input */
};

static const struct row rows[] = {
    {TEXT("0\r\n\r\n"), CHUNKED_DONE, "", ""},
    {TEXT("0\r\n\r\nGET /"), CHUNKED_DONE, "", "GET /"},
    {TEXT("5\r\nhello\r\n0\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nX"), CHUNKED_DONE, "hello world", "X"},
    {TEXT("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), CHUNKED_DONE, "01234567890123456789", ""},
    {TEXT("4\r\n\r\n\r\n\r\n0\r\n\r\n"), CHUNKED_DONE, "\r\n\r\n", ""},
    {TEXT("005\r\nhello\r\n000\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("0000000000000001\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE, "x", ""},
    {TEXT("5;a\r\nhello\r\n0;b=c\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("5;a=\"b;c\";d = e\t\r\nhello\r\n0\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("5;\r\nhello\r\n0;\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("5;\xe9\r\nhello\r\n0\r\n\r\n"), CHUNKED_DONE, "hello", ""},
    {TEXT("0\r\nHost: evil\r\nContent-Length: 9\r\n\r\nrest"), CHUNKED_DONE, "", "rest"},
    {TEXT("0\r\nA:\r\nB: \t\xff \r\n\r\n"), CHUNKED_DONE, "", ""},

    {TEXT(""), CHUNKED_MORE, "", ""},
    {TEXT("5"), CHUNKED_MORE, "", ""},
    {TEXT("5\r"), CHUNKED_MORE, "", ""},
    {TEXT("5;ab"), CHUNKED_MORE, "", ""},
    {TEXT("5\r\n"), CHUNKED_MORE, "", ""},
    {TEXT("5\r\nhel"), CHUNKED_MORE, "hel", ""},
    {TEXT("5\r\nhello"), CHUNKED_MORE, "hello", ""},
    {TEXT("5\r\nhello\r"), CHUNKED_MORE, "hello", ""},
    {TEXT("5\r\nhello\r\n"), CHUNKED_MORE, "hello", ""},
    {TEXT("5\r\nhello\r\n0\r\n"), CHUNKED_MORE, "hello", ""},
    {TEXT("0\r\n\r"), CHUNKED_MORE, "", ""},
    {TEXT("0\r\nA: b\r\n"), CHUNKED_MORE, "", ""},
    {TEXT("ffffffffffffffff\r\nxy"), CHUNKED_MORE, "xy", ""},

    {TEXT("\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("\n"), CHUNKED_BAD, "", NULL},
    {TEXT(";a\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0_2e\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0x5\r\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("-1\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("+1\r\nx\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT(" 5\r\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5 \r\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5\t\r\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5 ;a\r\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("g\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5\0\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("10000000000000001\r\nx"), CHUNKED_BAD, "", NULL},
    {TEXT("00000000000000005\r\nhello"), CHUNKED_BAD, "", NULL},
    {TEXT("0000000000000000000000000000000000000000\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5\r\r\nhello"), CHUNKED_BAD, "", NULL},
    {TEXT("5\r\r;ABCD\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5\rhello"), CHUNKED_BAD, "", NULL},
    {TEXT("5;a\nhello\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("5;a\rb\r\nhello"), CHUNKED_BAD, "", NULL},
    {TEXT("5;a\0b\r\nhello"), CHUNKED_BAD, "", NULL},
    {TEXT("5;a\x7f\r\nhello"), CHUNKED_BAD, "", NULL},
    {TEXT("9\r\nhello\r\n0\r\n\r\n"), CHUNKED_BAD, "hello\r\n0\r", NULL},
    {TEXT("5\r\nhelloX\r\n"), CHUNKED_BAD, "hello", NULL},
    {TEXT("5\r\nhello\n0\r\n\r\n"), CHUNKED_BAD, "hello", NULL},
    {TEXT("5\r\nhello0\r\n\r\n"), CHUNKED_BAD, "hello", NULL},
    {TEXT("5\r\nhello\rX"), CHUNKED_BAD, "hello", NULL},
    {TEXT("5\r\nhello\r\n\r\n0\r\n\r\n"), CHUNKED_BAD, "hello", NULL},
    {TEXT("0\r\n\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\n\rX"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\n: a\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA : b\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA: b\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA: b\rc\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA: b\0c\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA: b\r\n c\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\n A: b\r\n\r\n"), CHUNKED_BAD, "", NULL},
    {TEXT("0\r\nA(: b\r\n\r\n"), CHUNKED_BAD, "", NULL},
};

struct outcome {
    enum chunked_result result;
    struct text body;
    size_t used;
};

/* Decodes input that comes in pieces whose lengths next_length chooses. */
static struct outcome decode(struct slice input, size_t (*next_length)(void *data), void *data)
{
    struct chunked chunked = {0};
    struct outcome outcome = {.result = CHUNKED_MORE};
    text_add(&outcome.body, SLICE(""));
    while (outcome.result == CHUNKED_MORE && outcome.used < input.length) {
        struct slice rest = slice_skip(input, outcome.used);
        size_t length = next_length(data);
        struct slice piece = slice_of(rest.data, length < rest.length ? length : rest.length);
        struct slice part = SLICE_NONE;
        const char *start = piece.data;
        while ((outcome.result = chunked_decode(&chunked, &piece, &part)) == CHUNKED_DATA) {
            assert_true(part.length != 0);
            text_add(&outcome.body, part);
        }
        outcome.used += (size_t)(piece.data - start);
    }
    struct slice more = SLICE("0\r\n\r\n"), part;
    if (outcome.result == CHUNKED_BAD)
        assert_int_equal(chunked_decode(&chunked, &more, &part), CHUNKED_BAD);
    if (outcome.result == CHUNKED_DONE)
        assert_int_equal(chunked_decode(&chunked, &more, &part), CHUNKED_DONE);
    return outcome;
}

static size_t whole(void *data)
{
    return SIZE_MAX;
}

static size_t fixed(void *data)
{
    return *(size_t *)data;
}

static size_t random_length(void *data)
{
    return (size_t)rand_r(data) % 7 + 1;
}

static void check_row(size_t number, size_t step)
{
    const struct row *row = &rows[number];
    struct outcome outcome = decode(slice_of(row->data, row->length), step == 0 ? whole : fixed, &step);
    struct slice rest = slice_of(row->data + outcome.used, row->length - outcome.used);
    if (outcome.result != row->result || !slice_equals(text_slice(&outcome.body), slice_from_text(row->body)))
        fail_msg("row %zu, %zu at a time: %d, '%s'", number, step, outcome.result, outcome.body.data);
    if (row->rest != NULL && !slice_equals(rest, slice_from_text(row->rest)))
        fail_msg("row %zu, %zu at a time: '%.*s' is left", number, step, SLICE_ARG(rest));
    text_finish(&outcome.body);
}

static void bodies_are_read_or_refused(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        for (size_t step = 0; step < 9; ++step)
            check_row(i, step);
    }
}

/* Makes an input that is right for a while, then perhaps broken in one byte. */
static void make_input(struct text *input, unsigned *seed)
{
    static const char *const extensions[] = {"", "", ";a", ";a=\"b c\"", ";"};
    static const char *const trailers[] = {"", "", "A: b\r\n", "A:\r\nB: c\r\n"};
    text_clear(input);
    for (int chunks = rand_r(seed) % 5; chunks > 0; --chunks) {
        int length = rand_r(seed) % 40 + 1;
        text_print(input, rand_r(seed) % 2 ? "%x%s\r\n" : "%04X%s\r\n", length, extensions[rand_r(seed) % 5]);
        for (int i = 0; i < length; ++i)
            text_add_char(input, (char)rand_r(seed));
        text_add(input, SLICE("\r\n"));
    }
    text_print(input, "0\r\n%s\r\nrest", trailers[rand_r(seed) % 4]);
    if (rand_r(seed) % 2)
        input->data[(size_t)rand_r(seed) % input->length] = (char)rand_r(seed);
}

static void cutting_the_input_changes_nothing(void **state)
{
    unsigned seed = 1, done = 0, bad = 0;
    struct text input = TEXT_INIT;
    for (int i = 0; i < 20000; ++i) {
        make_input(&input, &seed);
        struct outcome once = decode(text_slice(&input), whole, NULL);
        size_t one = 1;
        struct outcome others[] = {decode(text_slice(&input), fixed, &one),
                                   decode(text_slice(&input), random_length, &seed)};
        for (int j = 0; j < 2; ++j) {
            assert_int_equal(others[j].result, once.result);
            assert_int_equal(others[j].used, once.used);
            assert_true(slice_equals(text_slice(&others[j].body), text_slice(&once.body)));
            text_finish(&others[j].body);
        }
        done += once.result == CHUNKED_DONE;
        bad += once.result == CHUNKED_BAD;
        text_finish(&once.body);
    }
    assert_true(done > 5000 && bad > 1000);
    text_finish(&input);
}

static enum chunked_result result_of(const struct text *input)
{
    struct outcome outcome = decode(text_slice(input), whole, NULL);
    text_finish(&outcome.body);
    return outcome.result;
}

static void extensions_are_bounded_by_the_body(void **state)
{
    struct text input = TEXT_INIT;
    text_add(&input, SLICE("1;"));
    for (int i = 0; i < 4095; ++i)
        text_add_char(&input, 'a');
    text_add(&input, SLICE("\r\nx\r\n0\r\n\r\n"));
    assert_int_equal(result_of(&input), CHUNKED_DONE);
    text_clear(&input);
    for (int i = 0; i < 4095; ++i)
        text_add(&input, SLICE("1;a\r\nx\r\n"));
    assert_int_equal(result_of(&input), CHUNKED_MORE);
    text_add(&input, SLICE("1;a\r\nx\r\n"));
    assert_int_equal(result_of(&input), CHUNKED_BAD);
    text_finish(&input);
}

static void every_chunk_may_be_signed(void **state)
{
    struct text input = TEXT_INIT;
    for (int i = 0; i < 1000; ++i)
        text_print(&input, "40;chunk-signature=%064d\r\n%064d\r\n", i, i);
    text_add(&input, SLICE("0\r\n\r\n"));
    struct outcome outcome = decode(text_slice(&input), whole, NULL);
    assert_int_equal(outcome.result, CHUNKED_BAD);
    text_finish(&outcome.body);
    text_clear(&input);
    for (int i = 0; i < 1000; ++i)
        text_print(&input, "60;chunk-signature=%064d\r\n%096d\r\n", i, i);
    text_add(&input, SLICE("0\r\n\r\n"));
    outcome = decode(text_slice(&input), whole, NULL);
    assert_int_equal(outcome.result, CHUNKED_DONE);
    assert_int_equal(outcome.body.length, 96 * 1000);
    text_finish(&outcome.body);
    text_finish(&input);
}

static void trailers_are_bounded(void **state)
{
    struct text input = TEXT_INIT;
    text_add(&input, SLICE("0\r\n"));
    for (int i = 0; i < 8192 / 8; ++i)
        text_add(&input, SLICE("Abc: de\r\n"));
    assert_int_equal(result_of(&input), CHUNKED_MORE);
    text_add(&input, SLICE("A"));
    assert_int_equal(result_of(&input), CHUNKED_BAD);
    text_finish(&input);
}

static void the_largest_size_is_counted_down(void **state)
{
    struct chunked chunked = {0};
    struct slice input = SLICE("FFFFFFFFFFFFFFFF\r\nabc"), data;
    assert_int_equal(chunked_decode(&chunked, &input, &data), CHUNKED_DATA);
    assert_true(chunked.left == UINT64_MAX - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_read_or_refused),
        cmocka_unit_test(cutting_the_input_changes_nothing),
        cmocka_unit_test(extensions_are_bounded_by_the_body),
        cmocka_unit_test(every_chunk_may_be_signed),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(the_largest_size_is_counted_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
