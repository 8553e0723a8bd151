#include "proxy/http1_body.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Feeds raw in pieces of step bytes; what follows the body must be left over. */
static enum http1_body_result collect(struct http1_body *body, struct slice raw, size_t step, struct slice *left)
{
    enum http1_body_result result = HTTP1_BODY_MORE;
    while (raw.length != 0 && result == HTTP1_BODY_MORE) {
        struct slice piece = slice_of(raw.data, raw.length < step ? raw.length : step);
        size_t before = piece.length;
        result = http1_body_take(body, &piece);
        raw = slice_skip(raw, before - piece.length);
        if (result == HTTP1_BODY_MORE)
            assert_int_equal(piece.length, 0);
    }
    *left = raw;
    return result;
}

struct row {
    struct http1_framing framing;
    struct slice raw;
    enum http1_body_result result;
    const char *body, *left;
};

static const struct row rows[] = {
    {{.content_length = 5}, SLICE("helloGET"), HTTP1_BODY_WHOLE, "hello", "GET"},
    {{.content_length = 5}, SLICE("hell"), HTTP1_BODY_MORE, "hell", ""},
    {{.content_length = 8}, SLICE("12345678"), HTTP1_BODY_WHOLE, "12345678", ""},
    {{.is_chunked = true}, SLICE("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET"), HTTP1_BODY_WHOLE, "abcde", "GET"},
    {{.is_chunked = true}, SLICE("0\r\nContent-Length: 9\r\n\r\nGET"), HTTP1_BODY_WHOLE, "", "GET"},
    {{.is_chunked = true}, SLICE("3\r\nabc"), HTTP1_BODY_MORE, "abc", ""},
    {{.is_chunked = true}, SLICE("8\r\n12345678\r\n0\r\n\r\n"), HTTP1_BODY_WHOLE, "12345678", ""},
};

static void collects_a_body_however_it_comes(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        for (size_t step = 1; step <= rows[i].raw.length; ++step) {
            struct http1_body body;
            struct slice left;
            assert_int_equal(http1_body_begin(&body, &rows[i].framing, 8), HTTP1_BODY_MORE);
            assert_int_equal(collect(&body, rows[i].raw, step, &left), rows[i].result);
            assert_true(slice_equals(slice_of(body.data, body.length), slice_from_text(rows[i].body)));
            assert_true(slice_equals(left, slice_from_text(rows[i].left)));
            http1_body_finish(&body);
        }
    }
}

static const struct row bad_rows[] = {
    {{.is_chunked = true}, SLICE("9\r\n123456789\r\n0\r\n\r\n"), HTTP1_BODY_TOO_LARGE, "", ""},
    {{.is_chunked = true}, SLICE("5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n"), HTTP1_BODY_TOO_LARGE, "", ""},
    {{.is_chunked = true}, SLICE("0_2e\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("0x5\r\nabcde\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("-1\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("+1\r\na\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE(" 5\r\nabcde\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("5 \r\nabcde\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("10000000000000001\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("1\r\na9\n0\r\n\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("5\r\r;ABCD\r\nabcde\r\n0\r\n\r\n"), HTTP1_BODY_BAD, "", ""},
    {{.is_chunked = true}, SLICE("1\na\n0\n\n"), HTTP1_BODY_BAD, "", ""},
};

static void refuses_bodies_that_are_too_large_or_malformed(void **state)
{
    for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); ++i) {
        for (size_t step = 1; step <= bad_rows[i].raw.length; ++step) {
            struct http1_body body;
            struct slice left;
            assert_int_equal(http1_body_begin(&body, &bad_rows[i].framing, 8), HTTP1_BODY_MORE);
            enum http1_body_result result = collect(&body, bad_rows[i].raw, step, &left);
            if (result != bad_rows[i].result)
                fail_msg("row %zu in steps of %zu: %d", i, step, result);
            http1_body_finish(&body);
        }
    }
}

static void an_announced_length_says_enough(void **state)
{
    struct http1_body body;
    assert_int_equal(http1_body_begin(&body, &(struct http1_framing){.content_length = 9}, 8), HTTP1_BODY_TOO_LARGE);
    assert_int_equal(http1_body_begin(&body, &(struct http1_framing){.content_length = 0}, 8), HTTP1_BODY_WHOLE);
    assert_int_equal(http1_body_begin(&body, &(struct http1_framing){.content_length = UINT64_MAX}, INT64_MAX),
                     HTTP1_BODY_TOO_LARGE);
}

/* Terabytes announced must not become memory before they come. */
static void memory_grows_as_bytes_come(void **state)
{
    struct http1_body body;
    const struct http1_framing framing = {.content_length = (uint64_t)1 << 40};
    assert_int_equal(http1_body_begin(&body, &framing, INT64_MAX), HTTP1_BODY_MORE);
    size_t received = 0, room;
    while (received < 1000000) {
        char *place = http1_body_reserve(&body, &room);
        assert_non_null(place);
        assert_true(room != 0);
        memset(place, 'x', room);
        assert_int_equal(http1_body_add_received(&body, room), HTTP1_BODY_MORE);
        received += room;
        assert_int_equal(body.length, received);
        assert_true(body.capacity <= 2 * received);
    }
    http1_body_finish(&body);
}

static void receives_no_byte_beyond_the_body(void **state)
{
    struct http1_body body;
    size_t room;
    assert_int_equal(http1_body_begin(&body, &(struct http1_framing){.content_length = 100}, 1000), HTTP1_BODY_MORE);
    assert_non_null(http1_body_reserve(&body, &room));
    assert_int_equal(room, 100);
    memset(body.data, 'x', 100);
    assert_int_equal(http1_body_add_received(&body, 60), HTTP1_BODY_MORE);
    assert_non_null(http1_body_reserve(&body, &room));
    assert_int_equal(room, 40);
    assert_int_equal(http1_body_add_received(&body, 40), HTTP1_BODY_WHOLE);
    http1_body_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collects_a_body_however_it_comes),
        cmocka_unit_test(refuses_bodies_that_are_too_large_or_malformed),
        cmocka_unit_test(an_announced_length_says_enough),
        cmocka_unit_test(memory_grows_as_bytes_come),
        cmocka_unit_test(receives_no_byte_beyond_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
