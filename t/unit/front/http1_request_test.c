#include "front/http1_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    MOST_FIELDS = 100,
};

/* What became of a raw head: a status, or a line that tells everything that was made of it. */
struct judged {
    struct arena arena;
    struct request_head request;
    struct http1_framing framing;
    struct request_refusal refusal;
    bool is_whole;
    char text[2 * REQUEST_TARGET_LIMIT_BYTES];
};

static size_t add_text(char *text, size_t used, size_t capacity, struct slice more)
{
    return used + (size_t)snprintf(text + used, capacity - used, "%.*s", SLICE_ARG(more));
}

/* METHOD AUTHORITY PATH[?QUERY] [FIELD=VALUE]... [length=N|chunked] [close] [continue] [server] [upgrade=LIST] */
static void describe(struct judged *judged)
{
    const struct request_head *request = &judged->request;
    const struct http1_framing *framing = &judged->framing;
    char *text = judged->text;
    const size_t capacity = sizeof(judged->text);
    size_t used =
        (size_t)snprintf(text, capacity, "%.*s %.*s %.*s%s", SLICE_ARG(request->method), SLICE_ARG(request->authority),
                         SLICE_ARG(request->path), request->has_query ? "?" : "");
    used = add_text(text, used, capacity, request->query);
    for (size_t i = 0; i < request->headers.count; ++i)
        used += (size_t)snprintf(text + used, capacity - used, " %.*s=%.*s", SLICE_ARG(request->headers.items[i].name),
                                 SLICE_ARG(request->headers.items[i].value));
    if (framing->is_chunked)
        used = add_text(text, used, capacity, SLICE(" chunked"));
    else if (framing->content_length != 0)
        used +=
            (size_t)snprintf(text + used, capacity - used, " length=%llu", (unsigned long long)framing->content_length);
    if (!framing->keep_alive)
        used = add_text(text, used, capacity, SLICE(" close"));
    if (framing->expects_continue)
        used = add_text(text, used, capacity, SLICE(" continue"));
    if (framing->is_server_wide)
        used = add_text(text, used, capacity, SLICE(" server"));
    if (framing->asks_upgrade)
        snprintf(text + used, capacity - used, " upgrade=%.*s", SLICE_ARG(request->upgrade));
}

static void judge(struct judged *judged, struct slice raw)
{
    struct header fields[MOST_FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
    const char *reason = NULL;
    *judged = (struct judged){0};
    arena_init(&judged->arena, 0);
    switch (head_parse_request(raw, 0, &head, &reason)) {
    case HEAD_OK:
        judged->is_whole = true;
        judged->refusal = http1_request_build(&head, raw, &judged->arena, &judged->request, &judged->framing);
        if (judged->refusal.status == 0)
            describe(judged);
        break;
    case HEAD_INCOMPLETE:
        break;
    case HEAD_BAD:
        judged->is_whole = true;
        judged->refusal = (struct request_refusal){400, reason};
        break;
    case HEAD_OTHER_VERSION:
        judged->is_whole = true;
        judged->refusal = (struct request_refusal){505, reason};
        break;
    case HEAD_TOO_MANY_FIELDS:
        judged->is_whole = true;
        judged->refusal = (struct request_refusal){431, reason};
        break;
    }
}

struct refused_row {
    int status;
    struct slice raw;
};

/* The request line and Host that most rows need. */
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n"

static const struct refused_row refused[] = {
    /* framing */
    {400, SLICE(GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END)},
    {400, SLICE(GET "Content-Length: 0\r\nContent-Length: 31\r\n" END)},
    {400, SLICE(GET "Content-Length: 5\r\nContent-Length: 5\r\n" END)},
    {400, SLICE(GET "Content-Length: 5, 5\r\n" END)},
    {400, SLICE(GET "Content-Length: +5\r\n" END)},
    {400, SLICE(GET "Content-Length: -5\r\n" END)},
    {400, SLICE(GET "Content-Length: 0x5\r\n" END)},
    {400, SLICE(GET "Content-Length: 5e0\r\n" END)},
    {400, SLICE(GET "Content-Length: 5.0\r\n" END)},
    {400, SLICE(GET "Content-Length: 5 5\r\n" END)},
    {400, SLICE(GET "Content-Length:\r\n" END)},
    {400, SLICE(GET "Content-Length: 18446744073709551621\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked, identity\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: identity\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: xchunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: \"chunked\"\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked, chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: ,chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked,\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: chunked;x=y\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding:\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: gzip\r\n" END)},
    {501, SLICE(GET "Transfer-Encoding: gzip, chunked\r\n" END)},
    {501, SLICE(GET "Transfer-Encoding: Deflate , Chunked\r\n" END)},
    {400, SLICE("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding : chunked\r\n" END)},
    {400, SLICE(GET "Transfer-Encoding: \x0b"
                    "chunked\r\n" END)},
    /* lines and bytes */
    {400, SLICE(GET "Foo: bar\r\n Content-Length: 9\r\n" END)},
    {400, SLICE(GET "Foo: bar\r\n\tfolded\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\n Host: a\r\n" END)},
    {400, SLICE(GET "Foo: b\rar\r\n" END)},
    {400, SLICE(GET "Foo: b\0ar\r\n" END)},
    {400, SLICE(GET "F\0oo: bar\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\nHost: a\n\n")},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a\n\r\n")},
    {400, SLICE(GET "no colon\r\n" END)},
    {400, SLICE(GET ": no name\r\n" END)},
    {400, SLICE(GET "F(o: bar\r\n" END)},
    {400, SLICE(GET "F\xc3\xa9: bar\r\n" END)},
    /* Host */
    {400, SLICE("GET / HTTP/1.1\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost:\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n" END)},
    {400, SLICE("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a/../b@c d\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a, b\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: u@a\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a:http\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a:65536\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a:1:2\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: :80\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: [::1\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: []\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: [::1]x\r\n" END)},
    {400, SLICE("GET / HTTP/1.1\r\nHost: a%2eb\r\n" END)},
    {400, SLICE("GET http://b/ HTTP/1.1\r\n" END)},
    {400, SLICE("GET http:///p HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET ftp://b/ HTTP/1.1\r\nHost: a\r\n" END)},
    /* methods */
    {405, SLICE("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n" END)},
    {405, SLICE("TRACE / HTTP/1.1\r\nHost: a\r\nCookie: b\r\n" END)},
    {400, SLICE("G=\":<>(e),[T];?\" / HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("G(T / HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE(" / HTTP/1.1\r\nHost: a\r\n" END)},
    /* targets */
    {400, SLICE("GET /a b HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /\x7f HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /\xff HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /?\xff HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /a#b HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /?a#b HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET ! HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET a HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET * HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET ?a HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /a\\b HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /%00 HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET /%zz HTTP/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET  / HTTP/1.1\r\nHost: a\r\n" END)},
    /* versions */
    {505, SLICE("GET / HTTP/2.0\r\nHost: a\r\n" END)},
    {400, SLICE("GET / http/1.1\r\nHost: a\r\n" END)},
    {400, SLICE("GET / HTTP/1.1x\r\nHost: a\r\n" END)},
    {400, SLICE("GET /\r\n" END)},
    {505, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    /* fields with a meaning */
    {417, SLICE(GET "Expect: foo\r\n" END)},
    {417, SLICE(GET "Expect: 100-continue, foo\r\n" END)},
    {400, SLICE(GET "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7,8,9\r\n" END)},
};

static void refuses_what_can_be_read_in_two_ways(void **state)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
        struct judged judged;
        judge(&judged, refused[i].raw);
        if (!judged.is_whole || judged.refusal.status != refused[i].status)
            fail_msg("row %zu: expected %d, got %d (%s) for\n%s", i, refused[i].status, judged.refusal.status,
                     judged.text, refused[i].raw.data);
        assert_non_null(judged.refusal.reason);
        arena_finish(&judged.arena);
    }
}

struct accepted_row {
    struct slice raw;
    const char *meaning;
};

static const struct accepted_row accepted[] = {
    {SLICE(GET END), "GET a /"},
    {SLICE("\r\n\r\n" GET END), "GET a /"},
    {SLICE("GET / HTTP/1.1\r\nHost:a:8080 \t\r\n" END), "GET a:8080 /"},
    {SLICE("GET / HTTP/1.1\r\nhOsT: [::1]:80\r\n" END), "GET [::1]:80 /"},
    {SLICE("GET / HTTP/1.1\r\nHost: a_b.c-d.\r\n" END), "GET a_b.c-d. /"},
    {SLICE("GET / HTTP/1.2\r\nHost: a\r\n" END), "GET a /"},
    {SLICE("GET / HTTP/1.0\r\n" END), "GET  / close"},
    {SLICE("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n" END), "GET a /"},
    {SLICE("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" END), "GET  / close"},
    {SLICE(GET "Connection: close\r\n" END), "GET a / close"},
    {SLICE(GET "Connection: x, CLOSE\r\n" END), "GET a / close"},
    {SLICE(GET "Connection: x\r\nConnection: close\r\n" END), "GET a / close"},
    {SLICE(GET "Connection: keep-alive\r\n" END), "GET a /"},
    {SLICE("FOO / HTTP/1.1\r\nHost: a\r\n" END), "FOO a /"},
    {SLICE("get / HTTP/1.1\r\nHost: a\r\n" END), "get a /"},
    /* targets */
    {SLICE("GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n" END), "GET a /a?b=c&d"},
    {SLICE("GET /a? HTTP/1.1\r\nHost: a\r\n" END), "GET a /a?"},
    {SLICE("GET /?/../? HTTP/1.1\r\nHost: a\r\n" END), "GET a /?/../?"},
    {SLICE("GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n" END), "GET a /b"},
    {SLICE("GET //x HTTP/1.1\r\nHost: a\r\n" END), "GET a /x"},
    {SLICE("GET /%2fadmin HTTP/1.1\r\nHost: a\r\n" END), "GET a /%2Fadmin"},
    {SLICE("GET http://other/p?q HTTP/1.1\r\nHost: a\r\n" END), "GET other /p?q"},
    {SLICE("GET HTTP://other:81 HTTP/1.1\r\nHost: a\r\n" END), "GET other:81 /"},
    {SLICE("GET http://other?q HTTP/1.1\r\nHost: a\r\n" END), "GET other /?q"},
    {SLICE("GET https://other/ HTTP/1.0\r\n" END), "GET other / close"},
    {SLICE("OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n" END), "OPTIONS a * Max-Forwards=0 server"},
    {SLICE("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n" END), "OPTIONS b * server"},
    {SLICE("OPTIONS /a HTTP/1.1\r\nHost: a\r\n" END), "OPTIONS a /a"},
    /* framing */
    {SLICE(GET "Content-Length: 5 \r\n" END), "GET a / length=5"},
    {SLICE(GET "content-length:\t007\r\n" END), "GET a / length=7"},
    {SLICE(GET "Content-Length: 0\r\n" END), "GET a /"},
    {SLICE(GET "Transfer-Encoding: Chunked\r\nTrailer: x\r\n" END), "GET a / chunked"},
    {SLICE(GET "Content-Length: 5\r\nExpect: 100-Continue\r\n" END), "GET a / length=5 continue"},
    {SLICE("GET / HTTP/1.0\r\nContent-Length: 5\r\nExpect: foo\r\n" END), "GET  / length=5 close"},
    /* fields of the connection, of ours, and what looks like them */
    {SLICE(GET "X-A: 1\r\nConnection: x-a\r\nx-a: 2\r\nX-B: 3\r\n" END), "GET a / X-B=3"},
    {SLICE(GET "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: foo\r\nHTTP2-Settings: A\r\n" END),
     "GET a /"},
    {SLICE(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n" END), "GET a / upgrade=websocket"},
    {SLICE(GET "Upgrade: a/1 , b\r\nConnection: keep-alive, UPGRADE\r\nupgrade: c\r\n" END),
     "GET a / upgrade=a/1 , b, c"},
    {SLICE(GET "Connection: close, upgrade\r\nUpgrade: x\r\n" END), "GET a / close upgrade=x"},
    {SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: x\r\n" END),
     "POST a / upgrade=x"},
    {SLICE(GET "Upgrade: websocket\r\n" END), "GET a /"},
    {SLICE(GET "Connection: upgrade\r\nUpgrade:\r\n" END), "GET a /"},
    {SLICE(GET "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n" END), "GET a / length=5 upgrade="},
    {SLICE(GET "Connection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n" END), "GET a / chunked upgrade="},
    {SLICE("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade, keep-alive\r\nUpgrade: x\r\n" END), "GET a /"},
    {SLICE(GET "Connection: upgrade, sec-websocket-key, x\r\nUpgrade: y\r\nSec-WebSocket-Key: k\r\nX: z\r\n" END),
     "GET a / Sec-WebSocket-Key=k upgrade=y"},
    {SLICE(GET "Connection: host, authorization, x-forwarded-for, cookie, content-type\r\nAuthorization: b\r\n"
               "X-Forwarded-For: c\r\nCookie: d\r\nContent-Type: e\r\n" END),
     "GET a / Authorization=b X-Forwarded-For=c Cookie=d Content-Type=e"},
    {SLICE(GET "X_Forwarded_For: 1\r\nx-forwarded_proto: 1\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\n"
               "X_Real_IP: 1\r\nHOST_: b\r\nother_field: 2\r\n" END),
     "GET a / HOST_=b other_field=2"},
    {SLICE(GET "Empty:\r\nPadded: \t a b \t\r\nAccented: \xc3\xa9\r\n" END),
     "GET a / Empty= Padded=a b Accented=\xc3\xa9"},
};

static void tells_what_a_request_means(void **state)
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); ++i) {
        struct judged judged;
        judge(&judged, accepted[i].raw);
        if (!judged.is_whole || judged.refusal.status != 0 || strcmp(judged.text, accepted[i].meaning) != 0)
            fail_msg("row %zu: expected \"%s\", got %d %s \"%s\" for\n%s", i, accepted[i].meaning,
                     judged.refusal.status, judged.refusal.reason == NULL ? "" : judged.refusal.reason, judged.text,
                     accepted[i].raw.data);
        arena_finish(&judged.arena);
    }
}

/* Whatever a client leaves out at the end, nothing is made of the rest. */
static void every_part_of_a_head_is_incomplete(void **state)
{
    struct slice raw = SLICE("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    for (size_t length = 0; length < raw.length; ++length) {
        struct judged judged;
        judge(&judged, slice_of(raw.data, length));
        assert_false(judged.is_whole);
    }
}

static void a_target_beyond_the_limit_is_too_long(void **state)
{
    static char raw[REQUEST_TARGET_LIMIT_BYTES + 64];
    for (size_t more = 0; more < 2; ++more) {
        memset(raw, 'x', sizeof(raw));
        memcpy(raw, "GET /", 5);
        char *end = raw + 4 + REQUEST_TARGET_LIMIT_BYTES + more;
        strcpy(end, " HTTP/1.1\r\nHost: a\r\n\r\n");
        struct judged judged;
        judge(&judged, slice_from_text(raw));
        assert_true(judged.is_whole);
        assert_int_equal(judged.refusal.status, more == 0 ? 0 : 414);
        arena_finish(&judged.arena);
    }
}

/* The receive buffer is used again while the exchange runs. */
static void keeps_nothing_of_the_received_text(void **state)
{
    char raw[] = "GET /a?b HTTP/1.1\r\nHost: c\r\nX-D: e\r\n\r\n";
    struct judged judged;
    judge(&judged, SLICE(GET END));
    arena_finish(&judged.arena);
    judge(&judged, slice_of(raw, sizeof(raw) - 1));
    memset(raw, '!', sizeof(raw));
    describe(&judged);
    assert_string_equal(judged.text, "GET c /a?b X-D=e");
    assert_true(slice_equals(judged.request.raw_target, SLICE("/a?b")));
    arena_finish(&judged.arena);
}

static void guesses_what_a_bad_request_was(void **state)
{
    static const struct {
        struct slice raw;
        const char *method, *target;
    } rows[] = {
        {SLICE("GET /a HTTP/2.0\r\nHost"), "GET", "/a"},
        {SLICE("GET /a"), "GET", "/a"},
        {SLICE("GET /a\" HTTP/1.1\r\n"), "GET", "-"},
        {SLICE("GET /\x1b[2J HTTP/1.1\r\n"), "GET", "-"},
        {SLICE("G(T /a HTTP/1.1\r\n"), "-", "-"},
        {SLICE("\x16\x03\x01\x02"), "-", "-"},
        {SLICE(""), "-", "-"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct arena arena;
        struct request_head request;
        arena_init(&arena, 0);
        http1_request_guess(rows[i].raw, &arena, &request);
        assert_true(slice_equals(request.method, slice_from_text(rows[i].method)));
        assert_true(slice_equals(request.raw_target, slice_from_text(rows[i].target)));
        arena_finish(&arena);
    }
}

static void bounds_what_many_fields_of_upgrade_cost(void **state)
{
    enum {
        FIELD_COUNT = 90,
    };
    static const char line[] = "Upgrade: %0600d\r\n";
    static char raw[FIELD_COUNT * 700];
    size_t length = (size_t)snprintf(raw, sizeof(raw), GET "Connection: upgrade\r\n");
    for (size_t i = 0; i < FIELD_COUNT; ++i)
        length += (size_t)snprintf(raw + length, sizeof(raw) - length, line, (int)i);
    length += (size_t)snprintf(raw + length, sizeof(raw) - length, END);
    struct judged judged;
    judge(&judged, slice_of(raw, length));
    assert_int_equal(judged.refusal.status, 0);
    assert_int_equal(judged.request.upgrade.length, FIELD_COUNT * 602 - 2);
    assert_true(judged.arena.taken_bytes < 3 * length);
    arena_finish(&judged.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_can_be_read_in_two_ways),
        cmocka_unit_test(tells_what_a_request_means),
        cmocka_unit_test(every_part_of_a_head_is_incomplete),
        cmocka_unit_test(a_target_beyond_the_limit_is_too_long),
        cmocka_unit_test(keeps_nothing_of_the_received_text),
        cmocka_unit_test(guesses_what_a_bad_request_was),
        cmocka_unit_test(bounds_what_many_fields_of_upgrade_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
