#include "http/chunked.h"
#include "http/trailers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void only_what_decides_nothing_is_allowed(void **state)
{
    static const char *const allowed[] = {"X-Sum",         "Content-Digest",
                                          "Repr-Digest",   "grpc-status",
                                          "Server-Timing", "ETag",
                                          "x_sum",         "Authentication-Info",
                                          "Signature",     "x-a-name-that-is-longer-than-all-that-are-known"};
    static const char *const forbidden[] = {"Content-Length",
                                            "transfer-encoding",
                                            "HOST",
                                            "Connection",
                                            "te",
                                            "Trailer",
                                            "Upgrade",
                                            "Cookie",
                                            "Set-Cookie",
                                            "Authorization",
                                            "WWW-Authenticate",
                                            "Proxy-Anything",
                                            "Range",
                                            "If-None-Match",
                                            "Cache-Control",
                                            "Content-Type",
                                            "content_type",
                                            "Location",
                                            "X-Forwarded-For",
                                            "x_forwarded_for",
                                            "Forwarded",
                                            "X-Real-IP",
                                            "Via",
                                            "Content-Encoding",
                                            "CF-Connecting-IP",
                                            "X-Forwarded-And-So-On-For-More-Than-All-That-Are-Known",
                                            "Expect",
                                            "Max-Forwards",
                                            "",
                                            "a b",
                                            ":path",
                                            "a:"};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); ++i) {
        if (!trailers_allow(slice_from_text(allowed[i])))
            fail_msg("%s is not allowed", allowed[i]);
    }
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); ++i) {
        if (trailers_allow(slice_from_text(forbidden[i])))
            fail_msg("%s is allowed", forbidden[i]);
    }
}

struct row {
    const char *body; /* with its end */
    const char *end;  /* what is written in its place; NULL: it is refused */
    bool is_too_large;
};

static const struct row rows[] = {
    {"0\r\n\r\n", "0\r\n\r\n", false},
    {"1\r\nx\r\n0\r\nA: b\r\n\r\n", "0\r\nA: b\r\n\r\n", false},
    {"0\r\nA:\t b \t c \r\nB:\r\n\r\n", "0\r\nA: b \t c\r\nB: \r\n\r\n", false},
    {"0\r\nA: b:c\r\na: d\r\n\r\n", "0\r\nA: b:c\r\na: d\r\n\r\n", false},
    {"0\r\nHost: b\r\nA: b\r\nCookie: c\r\n\r\n", "0\r\nA: b\r\n\r\n", false},
    {"0\r\nHop: b\r\nhOP: b\r\n\r\n", "0\r\n\r\n", false},
    {"0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", "0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", false},
    {"0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", NULL, true},
    {"0\r\nHost: 1\r\nHost: 2\r\nHost: 3\r\nHost: 4\r\n\r\n", NULL, true},
    {"0\r\nA: 5678901234567890123456789012\r\n\r\n", "0\r\nA: 5678901234567890123456789012\r\n\r\n", false},
    {"0\r\nA: 567890123456789012345678901234\r\n\r\n", NULL, true},
    {"0\r\nA b\r\n\r\n", NULL, false},
    {"0\r\nA: b\r\n c\r\n\r\n", NULL, false},
};

static void run(const struct row *row, size_t piece_length)
{
    static const struct slice named[] = {{"hop", 3}};
    struct trailer_section section = {.most_bytes = 32, .most_fields = 3, .named = named, .named_count = 1};
    struct chunked chunked = {.trailers = &section};
    struct slice rest = slice_from_text(row->body), data;
    enum chunked_result result = CHUNKED_MORE;
    while (rest.length != 0 && result != CHUNKED_BAD) {
        struct slice piece = slice_of(rest.data, rest.length < piece_length ? rest.length : piece_length);
        rest = slice_skip(rest, piece.length);
        while ((result = chunked_decode(&chunked, &piece, &data)) == CHUNKED_DATA)
            continue;
    }
    struct arena arena;
    struct headers trailers = {0};
    arena_init(&arena, 0);
    assert_int_equal(result, row->end != NULL ? CHUNKED_DONE : CHUNKED_BAD);
    assert_int_equal(section.is_too_large, row->is_too_large);
    if (row->end != NULL)
        trailers_take(&trailers, &arena, &section);
    struct slice end = trailers_write_end(&arena, &trailers);
    if (row->end != NULL && !slice_equals(end, slice_from_text(row->end)))
        fail_msg("%s: got\n%.*s", row->body, SLICE_ARG(end));
    arena_finish(&arena);
    text_finish(&section.lines);
}

static void sections_are_kept_within_limits(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        run(&rows[i], 1000);
        run(&rows[i], 1);
    }
}

static void what_is_announced_is_what_may_come(void **state)
{
    static const char *const announcements[][2] = {
        {"X-A", "X-A"}, {" X-A ,, content-length, x-b,", "X-A, x-b"}, {"a b, \"c\"", ""}, {"", ""}, {"Host", ""}};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof(announcements) / sizeof(announcements[0]); ++i) {
        struct slice names = trailers_announce(&arena, SLICE_NONE, slice_from_text(announcements[i][0]));
        assert_true(slice_equals(names, slice_from_text(announcements[i][1])));
    }
    struct slice more = trailers_announce(&arena, SLICE_NONE, SLICE("x-a"));
    more = trailers_announce(&arena, more, SLICE("x-b,x-c"));
    assert_true(slice_equals(more, SLICE("x-a, x-b, x-c")));
    arena_finish(&arena);
}

static void announcements_have_one_room_for_all(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice names = trailers_announce(&arena, SLICE_NONE, SLICE("host"));
    assert_int_equal(names.length, 0);
    names = trailers_announce(&arena, names, SLICE("first"));
    const char *room = names.data;
    for (int i = 0; i < 1000; ++i)
        names = trailers_announce(&arena, names, SLICE("another, one-more"));
    assert_ptr_equal(names.data, room);
    assert_in_range(names.length, TRAILERS_ANNOUNCED_BYTES - sizeof("another, "), TRAILERS_ANNOUNCED_BYTES);
    assert_true(slice_starts_with(names, SLICE("first, another, one-more, another")));
    arena_finish(&arena);
}

static void malformed_fields_are_refused(void **state)
{
    struct arena arena;
    struct headers trailers = {0};
    arena_init(&arena, 0);
    assert_true(trailers_add(&trailers, &arena, &(struct header){SLICE("x-a"), SLICE("b")}));
    assert_true(trailers_add(&trailers, &arena, &(struct header){SLICE("host"), SLICE("b")}));
    assert_false(trailers_add(&trailers, &arena, &(struct header){SLICE(":path"), SLICE("/")}));
    assert_false(trailers_add(&trailers, &arena, &(struct header){SLICE("x-a"), SLICE("b\r\nc: d")}));
    assert_false(trailers_add(&trailers, &arena, &(struct header){SLICE(""), SLICE("b")}));
    assert_int_equal(trailers.count, 1);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_decides_nothing_is_allowed), cmocka_unit_test(sections_are_kept_within_limits),
        cmocka_unit_test(what_is_announced_is_what_may_come),   cmocka_unit_test(announcements_have_one_room_for_all),
        cmocka_unit_test(malformed_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
