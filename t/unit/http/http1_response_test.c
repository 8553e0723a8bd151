#include "http/http1_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OK(more)   "HTTP/1.1 200 OK\r\n" more "\r\n"
#define OLD(more)  "HTTP/1.0 200 OK\r\n" more "\r\n"
#define NONE(more) "HTTP/1.1 204 No Content\r\n" more "\r\n"
#define SAME(more) "HTTP/1.1 304 Not Modified\r\n" more "\r\n"

enum {
    MOST_FIELDS = 200,
};

#define SWITCHED(fields) "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n" fields "\r\n"

enum verdict {
    CLOSED = 0, /* good, but the connection ends with it */
    KEPT,
    INTERIM,
    SWITCH,
    REFUSED,
};

static const struct {
    const char *head;
    enum verdict verdict;
    enum body_framing framing;
    int64_t length;
    const char *method;  /* NULL: GET */
    const char *upgrade; /* NULL: nothing may be switched to */
} cases[] = {
    {.head = OK("Content-Length: 5\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5},
    {.head = OK("Content-Length: 0\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 0},
    {.head = OK("content-length:5\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5},
    {.head = OK("CONTENT-LENGTH: \t5 \t\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5},
    {.head = OK("Content-Length: 007\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 7},
    {.head = OK("Content-Length: 9223372036854775807\r\n"),
     .verdict = KEPT,
     .framing = BODY_LENGTH,
     .length = INT64_MAX},
    {.head = OK("Content-Length: 9223372036854775808\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 18446744073709551621\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: +5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: -5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 0x5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5e0\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5.0\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5 5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5, 5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5,\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length:\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: five\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5\r\nContent-Length: 5\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5\r\ncontent-length: 6\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5\r\nX: y\r\nContent-Length: \r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked\r\n"), .verdict = KEPT, .framing = BODY_CHUNKED, .length = -1},
    {.head = OK("transfer-encoding: CHUNKED\r\n"), .verdict = KEPT, .framing = BODY_CHUNKED, .length = -1},
    {.head = OK("Transfer-Encoding: gzip\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: gzip, chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked, gzip\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked, chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: ,chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked,\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: xchunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: \"chunked\"\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked;a=b\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: identity\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding:\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), .verdict = REFUSED},
    {.head = OK("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"), .verdict = REFUSED},
    {.head = OLD("Transfer-Encoding: chunked\r\n"), .verdict = REFUSED},
    {.head = OK(""), .verdict = CLOSED, .framing = BODY_UNTIL_CLOSE, .length = -1},
    {.head = OK("Connection: keep-alive\r\n"), .verdict = CLOSED, .framing = BODY_UNTIL_CLOSE, .length = -1},
    {.head = OLD(""), .verdict = CLOSED, .framing = BODY_UNTIL_CLOSE, .length = -1},
    {.head = OLD("Content-Length: 5\r\n"), .verdict = CLOSED, .framing = BODY_LENGTH, .length = 5},
    {.head = OLD("Content-Length: 5\r\nConnection: Keep-Alive\r\n"),
     .verdict = KEPT,
     .framing = BODY_LENGTH,
     .length = 5},
    {.head = OLD("Connection: keep-alive\r\n"), .verdict = CLOSED, .framing = BODY_UNTIL_CLOSE, .length = -1},
    {.head = OK("Content-Length: 5\r\nConnection: close\r\n"), .verdict = CLOSED, .framing = BODY_LENGTH, .length = 5},
    {.head = OK("Content-Length: 5\r\nConnection: x, Close\r\n"),
     .verdict = CLOSED,
     .framing = BODY_LENGTH,
     .length = 5},
    {.head = OK("Content-Length: 5\r\nConnection: x\r\nConnection: ,close ,\r\n"),
     .verdict = CLOSED,
     .framing = BODY_LENGTH,
     .length = 5},
    {.head = OK("Content-Length: 5\r\nConnection: keep-alive, close\r\n"),
     .verdict = CLOSED,
     .framing = BODY_LENGTH,
     .length = 5},
    {.head = OK("Content-Length: 5\r\nConnection: closed\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5},
    {.head = OK("Content-Length: 5\r\nX-Connection: close\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5},
    {.head =
         OK("Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7\r\nContent-Length: 0\r\n"),
     .verdict = REFUSED},
    {.head = OK("Content-Length: 5\r\n"), .verdict = KEPT, .framing = BODY_NONE, .length = 5, .method = "HEAD"},
    {.head = OK("Transfer-Encoding: chunked\r\n"),
     .verdict = KEPT,
     .framing = BODY_NONE,
     .length = -1,
     .method = "HEAD"},
    {.head = OK(""), .verdict = KEPT, .framing = BODY_NONE, .length = -1, .method = "HEAD"},
    {.head = OK("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), .verdict = REFUSED, .method = "HEAD"},
    {.head = OK("Content-Length: 5, 5\r\n"), .verdict = REFUSED, .method = "HEAD"},
    {.head = OK("Content-Length: 5\r\n"), .verdict = KEPT, .framing = BODY_LENGTH, .length = 5, .method = "head"},
    {.head = NONE(""), .verdict = KEPT, .framing = BODY_NONE, .length = -1},
    {.head = NONE("Content-Length: 0\r\n"), .verdict = KEPT, .framing = BODY_NONE, .length = -1},
    {.head = NONE("Content-Length: 5\r\n"), .verdict = CLOSED, .framing = BODY_NONE, .length = -1},
    {.head = NONE("Transfer-Encoding: chunked\r\n"), .verdict = CLOSED, .framing = BODY_NONE, .length = -1},
    {.head = NONE("Connection: close\r\n"), .verdict = CLOSED, .framing = BODY_NONE, .length = -1},
    {.head = NONE("Content-Length: x\r\n"), .verdict = REFUSED},
    {.head = SAME(""), .verdict = KEPT, .framing = BODY_NONE, .length = -1},
    {.head = SAME("Content-Length: 1234\r\n"), .verdict = KEPT, .framing = BODY_NONE, .length = 1234},
    {.head = SAME("Transfer-Encoding: chunked\r\n"), .verdict = KEPT, .framing = BODY_NONE, .length = -1},
    {.head = SAME("Content-Length: 1\r\nContent-Length: 2\r\n"), .verdict = REFUSED},
    {.head = "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", .verdict = KEPT, .framing = BODY_LENGTH, .length = 0},
    {.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n",
     .verdict = KEPT,
     .framing = BODY_LENGTH,
     .length = 3},
    {.head = "HTTP/1.1 599 x\r\nContent-Length: 3\r\n\r\n", .verdict = KEPT, .framing = BODY_LENGTH, .length = 3},
    {.head = "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", .verdict = KEPT, .framing = BODY_LENGTH, .length = 3},
    {.head = "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n", .verdict = KEPT, .framing = BODY_LENGTH, .length = 3},
    {.head = "HTTP/1.1 100 Continue\r\n\r\n", .verdict = INTERIM},
    {.head = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
     .verdict = INTERIM},
    {.head = "HTTP/1.1 199\r\n\r\n", .verdict = INTERIM},
    {.head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n", .verdict = REFUSED},
    {.head = SWITCHED("Upgrade: foo\r\n"), .verdict = SWITCH, .upgrade = "foo", .length = -1},
    {.head = SWITCHED("upgrade: FOO\r\nContent-Length: 0\r\n"), .verdict = SWITCH, .upgrade = "foo", .length = -1},
    {.head = SWITCHED("Upgrade: foo\r\n"), .verdict = REFUSED, .upgrade = "bar"},
    {.head = SWITCHED("Upgrade: foo/1\r\n"), .verdict = REFUSED, .upgrade = "foo"},
    {.head = SWITCHED("Upgrade: foo, bar\r\n"), .verdict = REFUSED, .upgrade = "foo"},
    {.head = SWITCHED("Upgrade: foo\r\nUpgrade: foo\r\n"), .verdict = REFUSED, .upgrade = "foo"},
    {.head = SWITCHED("Upgrade:\r\n"), .verdict = REFUSED, .upgrade = "foo"},
    {.head = SWITCHED(""), .verdict = REFUSED, .upgrade = "foo"},
    {.head = "HTTP/1.0 101 x\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n", .verdict = REFUSED, .upgrade = "foo"},
    {.head = OK("Upgrade: foo\r\nContent-Length: 5\r\n"),
     .verdict = KEPT,
     .framing = BODY_LENGTH,
     .length = 5,
     .upgrade = "foo"},
    {.head = OK("Content-Length: 5\r\n"), .verdict = REFUSED, .method = "CONNECT"},
    {.head = "HTTP/1.1 000 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 99 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 099 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 600 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 1000 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 2x0 x\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/2.0 200 OK\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.2 200 OK\r\n\r\n", .verdict = REFUSED},
    {.head = "http/1.1 200 OK\r\n\r\n", .verdict = REFUSED},
    {.head = "ICY 200 OK\r\n\r\n", .verdict = REFUSED},
    {.head = "<html>no head at all</html>\r\n\r\n", .verdict = REFUSED},
    {.head = "\r\nHTTP/1.1 200 OK\r\n\r\n", .verdict = REFUSED},
    {.head = OK("Foo: a\rb\r\n"), .verdict = REFUSED},
    {.head = OK("Foo : bar\r\n"), .verdict = REFUSED},
    {.head = OK(": bar\r\n"), .verdict = REFUSED},
    {.head = OK("F o: bar\r\n"), .verdict = REFUSED},
    {.head = OK("Foo: bar\r\n Content-Length: 9\r\n"), .verdict = REFUSED},
    {.head = OK("Foo: bar\n"), .verdict = REFUSED},
    {.head = OK("Foo\r\n"), .verdict = REFUSED},
    {.head = "HTTP/1.1 200 OK\r\n Foo: bar\r\n\r\n", .verdict = REFUSED},
    {.head = "HTTP/1.1 200 OK\n\n", .verdict = REFUSED},
};

struct judged {
    struct header fields[MOST_FIELDS];
    struct parsed_head head;
    struct http1_response response;
    const char *reason;
    enum verdict verdict;
};

static struct judged *judge(const char *text, const char *method, const char *upgrade)
{
    static struct judged judged;
    judged = (struct judged){.head = {.fields = judged.fields, .field_capacity = MOST_FIELDS}, .verdict = REFUSED};
    if (head_parse_response(slice_from_text(text), 0, &judged.head, &judged.reason) != HEAD_OK)
        return &judged;
    struct slice asked = slice_from_text(method == NULL ? "GET" : method);
    if (!http1_response_judge(&judged.head, asked, slice_from_text(upgrade), &judged.response, &judged.reason))
        return &judged;
    if (judged.response.is_interim || judged.response.is_switch)
        judged.verdict = judged.response.is_switch ? SWITCH : INTERIM;
    else
        judged.verdict = judged.response.keep_alive ? KEPT : CLOSED;
    return &judged;
}

static void judges_responses(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        const struct judged *judged = judge(cases[i].head, cases[i].method, cases[i].upgrade);
        if (judged->verdict != cases[i].verdict)
            fail_msg("verdict %d on:\n%s", judged->verdict, cases[i].head);
        if (judged->verdict == REFUSED) {
            if (judged->reason == NULL || judged->reason[0] == '\0')
                fail_msg("no reason given for:\n%s", cases[i].head);
        } else if (judged->verdict != INTERIM &&
                   (judged->response.framing != cases[i].framing || judged->response.body_length != cases[i].length)) {
            fail_msg("framing %d, length %lld on:\n%s", judged->response.framing,
                     (long long)judged->response.body_length, cases[i].head);
        }
    }
}

static void refuses_a_nul_byte(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nFoo: a\0b\r\n\r\n";
    struct header fields[4];
    struct parsed_head parsed = {.fields = fields, .field_capacity = 4};
    const char *reason;
    assert_int_equal(head_parse_response(slice_of(head, sizeof(head) - 1), 0, &parsed, &reason), HEAD_BAD);
}

static void expect_fields(const char *text, const char *expected)
{
    struct arena arena;
    struct response_head out;
    struct text got = TEXT_INIT;
    arena_init(&arena, 0);
    /* in memory of its own, so that a slice left behind in it is seen by the sanitizer */
    char *copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    const struct judged *judged = judge(copy, NULL, "foo");
    assert_true(judged->verdict != REFUSED);
    http1_response_build(&judged->head, slice_from_text(copy), &judged->response, &arena, &out);
    memset(copy, '?', strlen(text));
    free(copy);
    for (size_t i = 0; i < out.headers.count; ++i)
        text_print(&got, "%.*s: %.*s\n", SLICE_ARG(out.headers.items[i].name), SLICE_ARG(out.headers.items[i].value));
    if (!slice_equals(text_slice(&got), slice_from_text(expected)))
        fail_msg("kept\n%s\ninstead of\n%s", got.data, expected);
    text_finish(&got);
    arena_finish(&arena);
}

static void keeps_end_to_end_fields_only(void **state)
{
    expect_fields(OK("Content-Length: 1\r\n"), "Via: 1.1 flexilib\n");
    expect_fields(OK("Server: x\r\nset-cookie: a\r\nSet-Cookie: b\r\nEmpty:\r\nContent-Length: 1\r\n"),
                  "Server: x\nset-cookie: a\nSet-Cookie: b\nEmpty: \nVia: 1.1 flexilib\n");
    expect_fields(OK("Transfer-Encoding: chunked\r\nTrailer: X\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
                     "Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\nA: b\r\n"),
                  "A: b\nVia: 1.1 flexilib\n");
    expect_fields(OK("X-A: 1\r\nConnection: close, x-a\r\nX-B: 2\r\nx-A: 3\r\nX-C: 4\r\nConnection: X-B\r\n"),
                  "X-C: 4\nVia: 1.1 flexilib\n");
    expect_fields(OK("Via: 1.0 fred\r\nContent-Length: 1\r\n"), "Via: 1.0 fred, 1.1 flexilib\n");
    expect_fields(OK("Via: 1.0 fred\r\nA: b\r\nvia: 1.1 p\r\n"), "Via: 1.0 fred\nA: b\nvia: 1.1 p, 1.1 flexilib\n");
    expect_fields(OK("Via:\r\n"), "Via: 1.1 flexilib\n");
    expect_fields(SWITCHED("Upgrade: foo\r\nSec-WebSocket-Accept: x\r\nContent-Length: 0\r\n"),
                  "Sec-WebSocket-Accept: x\nVia: 1.1 flexilib\n");
    expect_fields("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\nContent-Length: 5\r\n\r\n",
                  "Link: </a>\nVia: 1.1 flexilib\n");
    expect_fields(OLD("A: b\r\n"), "A: b\nVia: 1.0 flexilib\n");
}

static void fills_status_and_length(void **state)
{
    struct arena arena;
    struct response_head out;
    const char *text = "HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\n\r\n";
    arena_init(&arena, 0);
    const struct judged *judged = judge(text, NULL, NULL);
    http1_response_build(&judged->head, slice_from_text(text), &judged->response, &arena, &out);
    assert_int_equal(out.status, 404);
    assert_int_equal(out.body_length, 77);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_responses),
        cmocka_unit_test(refuses_a_nul_byte),
        cmocka_unit_test(keeps_end_to_end_fields_only),
        cmocka_unit_test(fills_status_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
