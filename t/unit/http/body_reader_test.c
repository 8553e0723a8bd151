#include "http/body_reader.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct outcome {
    struct text body;
    size_t extra;
    unsigned pieces; /* that held bytes */
    bool is_bad;
    bool is_done;
};

/* Feeds input in steps of that many bytes, each in memory of its own. */
static struct outcome read_in_steps(enum body_framing framing, uint64_t length, struct slice input, size_t step)
{
    struct body_reader reader;
    struct outcome outcome = {0};
    body_reader_init(&reader, framing, length);
    while (!reader.is_done && input.length != 0 && !outcome.is_bad) {
        size_t taken = input.length < step ? input.length : step, extra;
        char *piece = malloc(taken);
        memcpy(piece, input.data, taken);
        input = slice_skip(input, taken);
        struct slice data = SLICE_NONE;
        outcome.is_bad = !body_reader_take(&reader, piece, taken, &data, &extra);
        if (!outcome.is_bad && data.length != 0) {
            text_add(&outcome.body, data);
            ++outcome.pieces;
        }
        outcome.extra = outcome.is_bad ? 0 : extra + (reader.is_done ? input.length : 0);
        free(piece);
    }
    outcome.is_done = reader.is_done;
    return outcome;
}

static void expect_body(enum body_framing framing, uint64_t length, struct slice input, const char *body, size_t extra)
{
    for (size_t step = 1; step <= input.length; ++step) {
        struct outcome outcome = read_in_steps(framing, length, input, step);
        if (outcome.is_bad || !outcome.is_done || outcome.extra != extra ||
            !slice_equals(text_slice(&outcome.body), slice_from_text(body)))
            fail_msg("steps of %zu: bad %d, done %d, extra %zu, body '%s' of '%.*s'", step, outcome.is_bad,
                     outcome.is_done, outcome.extra, outcome.body.data, SLICE_ARG(input));
        text_finish(&outcome.body);
    }
}

static void reads_a_counted_body(void **state)
{
    expect_body(BODY_LENGTH, 5, SLICE("hello"), "hello", 0);
    expect_body(BODY_LENGTH, 5, SLICE("hello, and more"), "hello", 10);
}

static void an_empty_body_is_done_at_once(void **state)
{
    struct body_reader reader;
    struct slice data;
    size_t extra;
    char junk[] = "junk";
    body_reader_init(&reader, BODY_LENGTH, 0);
    assert_true(reader.is_done);
    body_reader_init(&reader, BODY_NONE, 0);
    assert_true(reader.is_done);
    assert_true(body_reader_take(&reader, junk, 4, &data, &extra));
    assert_int_equal(data.length, 0);
    assert_int_equal(extra, 4);
}

static void reads_chunks(void **state)
{
    expect_body(BODY_CHUNKED, 0, SLICE("5\r\nhello\r\n0\r\n\r\n"), "hello", 0);
    expect_body(BODY_CHUNKED, 0, SLICE("1\r\na\r\n2;x=y\r\nbc\r\n0a\r\n0123456789\r\n000\r\nT: x\r\n\r\nHTTP"),
                "abc0123456789", 4);
    expect_body(BODY_CHUNKED, 0, SLICE("0\r\n\r\n"), "", 0);
}

static void chunks_that_come_together_are_one_piece(void **state)
{
    struct slice input = SLICE("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\n");
    struct outcome outcome = read_in_steps(BODY_CHUNKED, 0, input, input.length);
    assert_string_equal(outcome.body.data, "abcd");
    assert_int_equal(outcome.pieces, 1);
    text_finish(&outcome.body);
}

static void refuses_broken_chunks(void **state)
{
    static const char *const broken[] = {"5\r\nhelloX\r\n0\r\n\r\n", "x\r\n", "5\nhello", "-1\r\n", " 5\r\nhello\r\n",
                                         "5\r\nhello\r\n\r\n",       "\r\n",  "0\r\n\n"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); ++i) {
        for (size_t step = 1; step <= strlen(broken[i]); ++step) {
            struct outcome outcome = read_in_steps(BODY_CHUNKED, 0, slice_from_text(broken[i]), step);
            if (!outcome.is_bad)
                fail_msg("accepted '%s' in steps of %zu", broken[i], step);
            text_finish(&outcome.body);
        }
    }
}

static void an_early_end_cuts_all_but_bodies_until_close(void **state)
{
    static const struct {
        enum body_framing framing;
        const char *input;
        bool is_whole;
    } ends[] = {
        {BODY_LENGTH, "hell", false},
        {BODY_CHUNKED, "5\r\nhello\r\n", false},
        {BODY_CHUNKED, "5\r\nhello\r\n0\r\n", false},
        {BODY_CHUNKED, "5\r\nhe", false},
        {BODY_UNTIL_CLOSE, "hello", true},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); ++i) {
        struct body_reader reader;
        struct slice data;
        size_t extra;
        char input[32];
        snprintf(input, sizeof(input), "%s", ends[i].input);
        body_reader_init(&reader, ends[i].framing, 5);
        assert_true(body_reader_take(&reader, input, strlen(input), &data, &extra));
        assert_false(reader.is_done);
        assert_int_equal(body_reader_end(&reader), ends[i].is_whole);
        assert_int_equal(reader.is_done, ends[i].is_whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_counted_body),  cmocka_unit_test(an_empty_body_is_done_at_once),
        cmocka_unit_test(reads_chunks),          cmocka_unit_test(chunks_that_come_together_are_one_piece),
        cmocka_unit_test(refuses_broken_chunks), cmocka_unit_test(an_early_end_cuts_all_but_bodies_until_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
