#include "http/forwarded.h"
#include "upstream/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    MOST_FIELDS = 8,
};

struct forward_case {
    const char *what;
    const char *method, *path, *query; /* query NULL: none */
    const char *authority;
    const char *fields[MOST_FIELDS]; /* name, value, name, value, ... */
    const char *body;
    const char *peer;
    const char *proxy; /* a trusted one that the connection is from */
    const char *client_authority;
    const char *strip, *prefix;
    const char *host_text;
    enum forwarded_policy forwarded;
    bool is_host_replaced;
    bool is_streamed; /* a body whose length is not known */
    bool is_http_1_0;
    bool is_https;
    const char *upgrade;
    const char *expected;
};

#define VIA        "Via: 1.1 flexilib\r\n"
#define PROTO_HOST "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\n"
#define OURS       "X-Forwarded-For: 192.0.2.7\r\n" PROTO_HOST VIA "\r\n"

static const struct forward_case cases[] = {
    {
        .what = "the plainest request",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "path and query go on as they are",
        .path = "/a%2Fb/c",
        .query = "x=1&y=%20",
        .expected = "GET /a%2Fb/c?x=1&y=%20 HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "an empty query keeps its question mark",
        .path = "/a",
        .query = "",
        .expected = "GET /a? HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "fields keep their order, case and doubles",
        .fields = {"Accept", "text/html", "cookie", "a=1", "COOKIE", "b=2", "x-empty", ""},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\ncookie: a=1\r\nCOOKIE: b=2\r\n"
                    "x-empty: \r\n" OURS,
    },
    {
        .what = "a body whose length is not known comes in chunks",
        .is_streamed = true,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n" OURS,
    },
    {
        .what = "a body is announced",
        .method = "POST",
        .body = "hello",
        .expected = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n" OURS,
    },
    {
        .what = "also with a method that has none as a rule",
        .method = "GET",
        .body = "hello world",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 11\r\n" OURS,
    },
    {
        .what = "POST without a body says so",
        .method = "POST",
        .expected = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n" OURS,
    },
    {
        .what = "so does PUT",
        .method = "PUT",
        .expected = "PUT / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n" OURS,
    },
    {
        .what = "so does PATCH",
        .method = "PATCH",
        .expected = "PATCH / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n" OURS,
    },
    {
        .what = "DELETE does not",
        .method = "DELETE",
        .expected = "DELETE / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "methods compare with case",
        .method = "post",
        .expected = "post / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "X-Forwarded-For is continued",
        .fields = {"x-forwarded-for", "198.51.100.1"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "several lines of X-Forwarded-For become one",
        .fields = {"X-Forwarded-For", "198.51.100.1", "Accept", "*/*", "x-forwarded-FOR", "198.51.100.2, ::1"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n"
                    "X-Forwarded-For: 198.51.100.1, 198.51.100.2, ::1, 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "an empty X-Forwarded-For counts as none",
        .fields = {"X-Forwarded-For", ""},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "a unix peer has no address to add",
        .peer = "unix:",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "but what it sent stays",
        .peer = "unix:",
        .fields = {"X-Forwarded-For", "198.51.100.1"},
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "an IPv6 peer is added bare",
        .peer = "2001:db8::7",
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "X-Forwarded-Proto and X-Forwarded-Host stay where a trusted proxy or a filter has said them",
        .fields = {"x-forwarded-proto", "https", "X-FORWARDED-HOST", "other.example"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nx-forwarded-proto: https\r\n"
                    "X-FORWARDED-HOST: other.example\r\n" VIA "\r\n",
    },
    {
        .what = "a trusted proxy is added to the list in which it has named the client",
        .proxy = "10.0.0.1",
        .fields = {"X-Forwarded-For", "192.0.2.7"},
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n" PROTO_HOST VIA "\r\n",
    },
    {
        .what = "a client that is known from elsewhere stands in front of its proxy",
        .proxy = "10.0.0.1",
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n" PROTO_HOST VIA "\r\n",
    },
    {
        .what = "a trusted proxy without a client is the client",
        .proxy = "10.0.0.1",
        .peer = "10.0.0.1",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.0.0.1\r\n" PROTO_HOST VIA "\r\n",
    },
    {
        .what = "a trusted proxy on a unix socket adds nothing but its client",
        .proxy = "unix:",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "Forwarded is not sent where X-Forwarded-* are",
        .fields = {"Forwarded", "for=198.51.100.1"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "Forwarded in place of X-Forwarded-*",
        .forwarded = FORWARDED_STANDARD,
        .fields = {"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "x"},
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nForwarded: for=192.0.2.7;host=shop.example;proto=http\r\n" VIA
            "\r\n",
    },
    {
        .what = "Forwarded is continued",
        .forwarded = FORWARDED_STANDARD,
        .proxy = "10.0.0.1",
        .fields = {"forwarded", "for=192.0.2.7;by=_a", "Forwarded", "for=10.9.9.9"},
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\n"
            "Forwarded: for=192.0.2.7;by=_a, for=10.9.9.9, for=10.0.0.1;host=shop.example;proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "what holds a colon stands in quotes",
        .forwarded = FORWARDED_STANDARD,
        .peer = "2001:db8::7",
        .authority = "shop.example:8080",
        .is_https = true,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example:8080\r\n"
                    "Forwarded: for=\"[2001:db8::7]\";host=\"shop.example:8080\";proto=https\r\n" VIA "\r\n",
    },
    {
        .what = "quotes are never broken out of",
        .forwarded = FORWARDED_STANDARD,
        .authority = "a\"\\b",
        .expected = "GET / HTTP/1.1\r\nHost: a\"\\b\r\n"
                    "Forwarded: for=192.0.2.7;host=\"a\\\"\\\\b\";proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "a unix peer is unknown, and a host that is not there is not said",
        .forwarded = FORWARDED_STANDARD,
        .peer = "unix:",
        .authority = "",
        .expected = "GET / HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nForwarded: for=unknown;proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "a client that X-Forwarded-For has told of stands in front in Forwarded",
        .forwarded = FORWARDED_STANDARD,
        .proxy = "::1",
        .fields = {"X-Forwarded-For", "192.0.2.7"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n"
                    "Forwarded: for=192.0.2.7, for=\"[::1]\";host=shop.example;proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "both",
        .forwarded = FORWARDED_BOTH,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\n" PROTO_HOST
                    "Forwarded: for=192.0.2.7;host=shop.example;proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "none",
        .forwarded = FORWARDED_NONE,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "none leaves what is there",
        .forwarded = FORWARDED_NONE,
        .fields = {"X-Forwarded-For", "1.2.3.4", "Forwarded", "for=x", "X-Forwarded-Proto", "https", "Accept", "*/*"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\nX-Forwarded-For: 1.2.3.4\r\n"
                    "X-Forwarded-Proto: https\r\nForwarded: for=x\r\n" VIA "\r\n",
    },
    {
        .what = "the host that the client used is told, whatever the server is told by Host",
        .client_authority = "www.example",
        .forwarded = FORWARDED_BOTH,
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: www.example\r\nForwarded: for=192.0.2.7;host=www.example;proto=http\r\n" VIA "\r\n",
    },
    {
        .what = "a host of the configuration's own",
        .host_text = "inner.example:81",
        .expected = "GET / HTTP/1.1\r\nHost: inner.example:81\r\n" OURS,
    },
    {
        .what = "X-Forwarded-Proto tells the truth about TLS",
        .is_https = true,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
                    "X-Forwarded-Host: shop.example\r\n" VIA "\r\n",
    },
    {
        .what = "Via is continued",
        .fields = {"via", "1.0 fred", "Via", "1.1 p.example (x)"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: shop.example\r\nVia: 1.0 fred, 1.1 p.example (x), 1.1 flexilib\r\n\r\n",
    },
    {
        .what = "Via names the version that was received",
        .is_http_1_0 = true,
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: shop.example\r\nVia: 1.0 flexilib\r\n\r\n",
    },
    {
        .what = "the server's own name instead of the client's",
        .is_host_replaced = true,
        .expected = "GET / HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n" OURS,
    },
    {
        .what = "a client that sent no Host",
        .authority = "",
        .expected =
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n" VIA
            "\r\n",
    },
    {
        .what = "Expect was met by us",
        .method = "POST",
        .body = "x",
        .fields = {"Expect", "100-continue"},
        .expected = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1\r\n" OURS,
    },
    {
        .what = "nothing that frames or belongs to a connection goes on, should it ever be in the list",
        .fields = {"Host", "evil", "Content-Length", "7", "Transfer-Encoding", "chunked", "Connection", "x"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "the rest of those",
        .fields = {"TE", "gzip", "Upgrade", "foo", "Proxy-Connection", "keep-alive", "Trailer", "x"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "names of the same length as ours are nobody's business",
        .fields = {"Age", "1", "Nost", "2", "Forbid", "3", "X-Forwarded-Fox", "4"},
        .expected =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nAge: 1\r\nNost: 2\r\nForbid: 3\r\nX-Forwarded-Fox: 4\r\n" OURS,
    },
    {
        .what = "longer ones too",
        .fields = {"X-Forwarded-Hose", "1", "X-Forwarded-Photo", "2"},
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Hose: 1\r\nX-Forwarded-Photo: 2\r\n" OURS,
    },
    {
        .what = "a switch is asked for",
        .fields = {"Sec-WebSocket-Key", "x"},
        .upgrade = "foo, bar",
        .expected = "GET / HTTP/1.1\r\nHost: shop.example\r\nSec-WebSocket-Key: x\r\nX-Forwarded-For: 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\n" VIA
                    "Connection: upgrade\r\nUpgrade: foo\r\n\r\n",
    },
    {
        .what = "a prefix is stripped",
        .path = "/api/x",
        .query = "q",
        .strip = "/api",
        .expected = "GET /x?q HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "a prefix is put in front",
        .path = "/x",
        .query = "",
        .prefix = "/v1",
        .expected = "GET /v1/x? HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "in place of the one that is stripped",
        .path = "/api/x",
        .strip = "/api",
        .prefix = "/v1",
        .expected = "GET /v1/x HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "without a slash at the end that the client has not sent",
        .path = "/api",
        .strip = "/api",
        .prefix = "/v1",
        .expected = "GET /v1 HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "but with the one that it has",
        .path = "/api/",
        .strip = "/api/",
        .prefix = "/v1/",
        .expected = "GET /v1/ HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "also where nothing is stripped",
        .path = "/apix/y",
        .strip = "/api",
        .prefix = "/v1",
        .expected = "GET /v1/apix/y HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
    {
        .what = "and to what a filter has made of the path",
        .path = "x",
        .prefix = "/v1",
        .expected = "GET /v1/x HTTP/1.1\r\nHost: shop.example\r\n" OURS,
    },
};

static struct slice text_or(const char *text, const char *fallback)
{
    return slice_from_text(text == NULL ? fallback : text);
}

static void build(const struct forward_case *wanted, struct text *out)
{
    struct exchange exchange = {0};
    struct header fields[MOST_FIELDS / 2];
    struct request_head *request = &exchange.request;
    request->method = text_or(wanted->method, "GET");
    request->scheme = wanted->is_https ? SLICE("https") : SLICE("http");
    request->authority = text_or(wanted->authority, "shop.example");
    request->path = text_or(wanted->path, "/");
    request->query = slice_from_text(wanted->query);
    request->has_query = wanted->query != NULL;
    request->minor_version = wanted->is_http_1_0 ? 0 : 1;
    request->headers.items = fields;
    for (size_t i = 0; i < MOST_FIELDS && wanted->fields[i] != NULL; i += 2)
        fields[request->headers.count++] = (struct header){.name = slice_from_text(wanted->fields[i]),
                                                           .value = slice_from_text(wanted->fields[i + 1])};
    exchange.request_body = slice_from_text(wanted->body);
    exchange.peer_address = text_or(wanted->peer, "192.0.2.7");
    exchange.proxy_address = slice_from_text(wanted->proxy);
    request->client_authority = slice_from_text(wanted->client_authority);
    static const struct field_item upgrades[] = {{.text = {"*", 1}}};
    request->upgrade = slice_from_text(wanted->upgrade);
    struct forward_settings forward = {
        .upgrades = upgrades,
        .upgrade_count = 1,
        .strip = slice_from_text(wanted->strip),
        .prefix = slice_from_text(wanted->prefix),
        .host = wanted->is_host_replaced ? HOST_SERVER : HOST_KEEP,
        .host_text = slice_from_text(wanted->host_text),
        .forwarded = wanted->forwarded,
    };
    if (wanted->host_text != NULL)
        forward.host = HOST_TEXT;
    struct plan_route route = {.forward = &forward};
    forward_build_head(&exchange, &route, SLICE("127.0.0.1:3000"),
                       wanted->is_streamed ? -1 : (int64_t)exchange.request_body.length, out);
}

static void builds_exactly_these_heads(void **state)
{
    struct text out = TEXT_INIT;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        build(&cases[i], &out);
        if (!slice_equals(text_slice(&out), slice_from_text(cases[i].expected)))
            fail_msg("%s: sent\n%s\ninstead of\n%s", cases[i].what, out.data, cases[i].expected);
    }
    text_finish(&out);
}

static void asks_for_the_first_protocol_that_is_let_through(void **state)
{
    static const struct {
        const char *asked, *allowed[3], *body, *chosen;
    } rows[] = {
        {"websocket", {"websocket"}, NULL, "websocket"},
        {"WebSocket", {"websocket"}, NULL, "WebSocket"},
        {"a, websocket, b", {"websocket", "b"}, NULL, "websocket"},
        {"a,b", {"b", "a"}, NULL, "a"},
        {"foo/2", {"foo"}, NULL, ""},
        {"foo/2", {"FOO/2"}, NULL, "foo/2"},
        {"websocket", {NULL}, NULL, ""},
        {"websocket", {"foo"}, NULL, ""},
        {"", {"*"}, NULL, ""},
        {"foo", {"*"}, NULL, "foo"},
        {"h2c, H2C-14, foo", {"*", "h2c"}, NULL, "foo"},
        {"h2c", {"h2c"}, NULL, ""},
        {", a b, (, x/, /1, y/1/2, ok", {"*"}, NULL, "ok"},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         {"*"},
         NULL,
         "0123456789012345678901234567890123456789012345678901234567890123"},
        {"01234567890123456789012345678901234567890123456789012345678901234", {"*"}, NULL, ""},
        {"websocket", {"websocket"}, "a filter's", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct exchange exchange = {.request = {.upgrade = slice_from_text(rows[i].asked)}};
        struct field_item allowed[3];
        struct forward_settings forward = {.upgrades = allowed};
        struct plan_route route = {.forward = &forward};
        exchange.request_body = slice_from_text(rows[i].body);
        for (size_t j = 0; j < 3 && rows[i].allowed[j] != NULL; ++j)
            allowed[forward.upgrade_count++] = (struct field_item){.text = slice_from_text(rows[i].allowed[j])};
        struct slice chosen = forward_upgrade(&exchange, &route);
        if (!slice_equals(chosen, slice_from_text(rows[i].chosen)))
            fail_msg("of '%s' '%.*s' was chosen", rows[i].asked, SLICE_ARG(chosen));
    }
}

static void takes_long_texts(void **state)
{
    char *long_text = malloc(100001);
    memset(long_text, 'a', 100000);
    long_text[0] = '/';
    long_text[100000] = '\0';
    struct forward_case wanted = {
        .path = long_text,
        .query = long_text,
        .authority = long_text,
        .peer = long_text,
        .proxy = long_text,
        .client_authority = long_text,
        .prefix = long_text,
        .forwarded = FORWARDED_BOTH,
        .fields = {"Forwarded", long_text, "Via", long_text, long_text, long_text},
    };
    struct text out = TEXT_INIT;
    build(&wanted, &out);
    assert_int_equal(strlen(out.data), out.length);
    assert_true(out.length > 1200000 && out.length < 1201000);
    assert_true(slice_ends_with(text_slice(&out), SLICE(", 1.1 flexilib\r\n\r\n")));
    text_finish(&out);
    free(long_text);
}

static void strips_whole_segments_only(void **state)
{
    static const struct {
        const char *path, *prefix, *left;
    } strips[] = {
        {"/api/x", "/api", "/x"},         {"/api", "/api", "/"},    {"/api/", "/api", "/"},
        {"/apix", "/api", "/apix"},       {"/ap", "/api", "/ap"},   {"/other/api", "/api", "/other/api"},
        {"/api/x/y", "/api/x", "/y"},     {"/api/x", "", "/api/x"}, {"/api/x", "/", "/api/x"},
        {"/api/x", "/api/", "/x"},        {"/api", "/api/", "/"},   {"/API/x", "/api", "/API/x"},
        {"/api/api/x", "/api", "/api/x"}, {"*", "/api", "*"},
    };
    for (size_t i = 0; i < sizeof(strips) / sizeof(strips[0]); ++i) {
        struct slice left = forward_strip(slice_from_text(strips[i].path), slice_from_text(strips[i].prefix));
        if (!slice_equals(left, slice_from_text(strips[i].left)))
            fail_msg("'%s' off '%s' left '%.*s'", strips[i].prefix, strips[i].path, SLICE_ARG(left));
    }
}

static bool seems_to_loop(unsigned own, unsigned foreign)
{
    struct header fields[64];
    struct headers headers = {.items = fields};
    while (own-- != 0)
        fields[headers.count++] = (struct header){SLICE("via"), SLICE("1.1 other.example (flexilib), 1.1 flexilib")};
    while (foreign-- != 0)
        fields[headers.count++] =
            (struct header){SLICE("Via"), SLICE("1.1 flexilib.example, 1.1 Flexilib2 (flexilib)")};
    fields[headers.count++] = (struct header){SLICE("Xia"), SLICE("1.1 flexilib")};
    return forwarded_is_loop(&headers);
}

static void notices_requests_that_go_in_circles(void **state)
{
    assert_false(seems_to_loop(0, 0));
    assert_false(seems_to_loop(9, 40));
    assert_true(seems_to_loop(10, 0));
    struct header one = {SLICE("Via"), SLICE("1.1 flexilib, 1.0 flexilib (a),1.1 flexilib,1.1 flexilib,1.1 flexilib,"
                                             "1.1 flexilib,1.1 flexilib,HTTP/1.1 flexilib,1.1\tflexilib,1.1 flexilib,"
                                             "1.1  flexilib")};
    assert_true(forwarded_is_loop(&(struct headers){.items = &one, .count = 1}));
}

static void knows_what_may_be_repeated(void **state)
{
    static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    static const char *const unsafe[] = {"POST", "PATCH", "get", "", "GETS", "PROPPATCH", "LOCK"};
    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); ++i)
        assert_true(forward_is_idempotent(slice_from_text(safe[i])));
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); ++i)
        assert_false(forward_is_idempotent(slice_from_text(unsafe[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_exactly_these_heads),
        cmocka_unit_test(asks_for_the_first_protocol_that_is_let_through),
        cmocka_unit_test(takes_long_texts),
        cmocka_unit_test(strips_whole_segments_only),
        cmocka_unit_test(notices_requests_that_go_in_circles),
        cmocka_unit_test(knows_what_may_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
