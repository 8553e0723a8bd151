#include "front/http2_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct settings settings = {.head_limit_bytes = 1000, .header_limit = 10};

struct judged {
    struct arena arena;
    struct http2_fields fields;
    struct request_head request;
    struct http2_framing framing;
    struct request_refusal refusal;
};

/* texts are names and values in turn, up to NULL. */
static void judge(struct judged *judged, const char *const *texts)
{
    *judged = (struct judged){0};
    for (; texts[0] != NULL; texts += 2) {
        const struct header field = {.name = slice_from_text(texts[0]), .value = slice_from_text(texts[1])};
        http2_fields_add(&judged->fields, &judged->arena, &settings, &field);
    }
    judged->refusal = http2_request_build(&judged->fields, &judged->arena, &judged->request, &judged->framing);
    http2_fields_finish(&judged->fields);
}

static bool is_text(struct slice slice, const char *text)
{
    return slice_equals(slice, slice_from_text(text));
}

#define GOOD ":method", "GET", ":scheme", "https", ":authority", "a:80", ":path", "/x/./y?z"

static void a_good_request_is_understood(void **state)
{
    struct judged judged;
    judge(&judged, (const char *const[]){GOOD, "cookie", "a=b", "x-a", "1", "cookie", "c=d", "te", "trailers", "host",
                                         "A:80", "x_forwarded_for", "1.2.3.4", "content-length", "7", NULL});
    assert_int_equal(judged.refusal.status, 0);
    assert_true(is_text(judged.request.method, "GET"));
    assert_true(is_text(judged.request.authority, "a:80"));
    assert_true(is_text(judged.request.path, "/x/y"));
    assert_true(is_text(judged.request.query, "z"));
    assert_true(is_text(judged.request.raw_target, "/x/./y?z"));
    assert_true(judged.request.is_http2);
    assert_int_equal(judged.request.headers.count, 2);
    assert_true(is_text(judged.request.headers.items[0].value, "a=b; c=d"));
    assert_true(is_text(judged.request.headers.items[1].name, "x-a"));
    assert_int_equal(judged.framing.content_length, 7);
    arena_finish(&judged.arena);
}

static void cookies_that_are_empty_leave_nothing(void **state)
{
    struct judged judged;
    judge(&judged, (const char *const[]){GOOD, "cookie", "", "cookie", "a=b", "cookie", "", NULL});
    assert_int_equal(judged.refusal.status, 0);
    assert_int_equal(judged.request.headers.count, 1);
    assert_true(is_text(judged.request.headers.items[0].value, "a=b"));
    arena_finish(&judged.arena);
}

static void a_websocket_is_what_it_is_in_http1(void **state)
{
    struct judged judged;
    judge(&judged, (const char *const[]){":method", "CONNECT", ":protocol", "WebSocket", ":scheme", "https", ":path",
                                         "/chat?a", ":authority", "a", "sec-websocket-version", "13", NULL});
    assert_int_equal(judged.refusal.status, 0);
    assert_true(judged.framing.is_websocket);
    assert_true(is_text(judged.request.method, "GET"));
    assert_true(is_text(judged.request.upgrade, "websocket"));
    assert_true(is_text(judged.request.path, "/chat"));
    assert_int_equal(judged.request.headers.count, 1);
    arena_finish(&judged.arena);
    judge(&judged, (const char *const[]){GOOD, NULL});
    assert_false(judged.framing.is_websocket);
    assert_int_equal(judged.request.upgrade.length, 0);
    arena_finish(&judged.arena);
}

static void only_websockets_are_connected_to(void **state)
{
    static const struct {
        int status;
        const char *method, *protocol, *more;
    } cases[] = {
        {501, "CONNECT", "connect-udp", "x-a"},
        {501, "CONNECT", "", "x-a"},
        {400, "GET", "websocket", "x-a"},
        {400, "CONNECT", "websocket", "content-length"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct judged judged;
        judge(&judged, (const char *const[]){":method", cases[i].method, ":protocol", cases[i].protocol, ":scheme",
                                             "http", ":path", "/", ":authority", "a", cases[i].more, "1", NULL});
        assert_int_equal(judged.refusal.status, cases[i].status);
        assert_false(judged.framing.is_websocket);
        arena_finish(&judged.arena);
    }
}

static void requests_that_nobody_should_send_are_refused(void **state)
{
    static const struct {
        int status;
        const char *texts[16];
    } rows[] = {
        {400, {":scheme", "http", ":authority", "a", ":path", "/"}},
        {400, {":method", "GET", ":authority", "a", ":path", "/"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "a"}},
        {400, {":method", "GET", ":scheme", "http", ":path", "/"}},
        {400, {":method", "G T", ":scheme", "http", ":authority", "a", ":path", "/"}},
        {400, {":method", "GET", ":scheme", "ftp", ":authority", "a", ":path", "/"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "u@a", ":path", "/"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "", ":path", "/"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "a", ":path", ""}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "*"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/#"}},
        {400, {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/\xff"}},
        {400, {GOOD, ":method", "GET"}},
        {400, {GOOD, ":protocol", "websocket"}},
        {400, {GOOD, "x-a", "b", ":unknown", "c"}},
        {400, {GOOD, "X-A", "b"}},
        {400, {GOOD, "", "b"}},
        {400, {GOOD, "x a", "b"}},
        {400, {GOOD, "x-a", " b"}},
        {400, {GOOD, "x-a", "b\r\nc: d"}},
        {400, {GOOD, "connection", "close"}},
        {400, {GOOD, "keep-alive", "5"}},
        {400, {GOOD, "proxy-connection", "close"}},
        {400, {GOOD, "transfer-encoding", "chunked"}},
        {400, {GOOD, "upgrade", "websocket"}},
        {400, {GOOD, "te", "gzip"}},
        {400, {GOOD, "host", "b"}},
        {400, {GOOD, "host", "a:80", "host", "a:80"}},
        {400, {GOOD, "content-length", "1", "content-length", "1"}},
        {400, {GOOD, "content-length", "+1"}},
        {400, {GOOD, "content-length", "9223372036854775808"}},
        {417, {GOOD, "expect", "more"}},
        {405, {":method", "CONNECT", ":authority", "a:22"}},
        {405, {":method", "TRACE", ":scheme", "http", ":authority", "a", ":path", "/"}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct judged judged;
        judge(&judged, rows[i].texts);
        if (judged.refusal.status != rows[i].status)
            print_error("row %zu: %d, %s\n", i, judged.refusal.status, judged.refusal.reason);
        assert_int_equal(judged.refusal.status, rows[i].status);
        arena_finish(&judged.arena);
    }
}

static void fields_have_limits(void **state)
{
    struct judged judged;
    const char *texts[64] = {GOOD};
    for (size_t i = 8; i < 28; i += 2) {
        texts[i] = "x-a";
        texts[i + 1] = "b";
    }
    judge(&judged, texts);
    assert_int_equal(judged.refusal.status, 0);
    arena_finish(&judged.arena);
    texts[28] = "cookie";
    texts[29] = "a";
    judge(&judged, texts);
    assert_int_equal(judged.refusal.status, 431);
    assert_true(is_text(judged.request.method, "GET"));
    arena_finish(&judged.arena);
    for (size_t i = 8; i < 30; i += 2)
        texts[i] = "cookie";
    judge(&judged, texts);
    assert_int_equal(judged.refusal.status, 0);
    arena_finish(&judged.arena);
    char large[1001];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    judge(&judged, (const char *const[]){GOOD, "x-a", large, NULL});
    assert_int_equal(judged.refusal.status, 431);
    arena_finish(&judged.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_request_is_understood),
        cmocka_unit_test(cookies_that_are_empty_leave_nothing),
        cmocka_unit_test(a_websocket_is_what_it_is_in_http1),
        cmocka_unit_test(only_websockets_are_connected_to),
        cmocka_unit_test(requests_that_nobody_should_send_are_refused),
        cmocka_unit_test(fields_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
