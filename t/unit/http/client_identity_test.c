#include "http/client_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    MOST_FIELDS = 12,
};

/* 10.0.0.0/8, 192.0.2.128/25, fc00::/7 and unix sockets are trusted. */
static const struct address_range trusted[] = {
    {{10}, 4, 8},
    {{192, 0, 2, 128}, 4, 25},
    {{0xfc}, 16, 7},
    {{0}, 0, 0},
};

struct identity_case {
    const char *what;
    const char *peer;
    const char *fields[MOST_FIELDS];
    const char *address; /* NULL: the peer's */
    unsigned port;
    const char *scheme;    /* NULL: http */
    const char *authority; /* NULL: shop.example */
};

static const struct identity_case believed[] = {
    {.what = "a proxy that says nothing"},
    {.what = "one client", .fields = {"X-Forwarded-For", "203.0.113.9"}, .address = "203.0.113.9"},
    {.what = "what the client made up stands further left",
     .fields = {"X-Forwarded-For", "127.0.0.1, 10.0.0.9, 203.0.113.9"},
     .address = "203.0.113.9"},
    {.what = "several proxies of ours",
     .fields = {"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.1.1.1, 192.0.2.200,fd00::5"},
     .address = "203.0.113.9"},
    {.what = "a network ends at its last bit",
     .fields = {"X-Forwarded-For", "203.0.113.9, 192.0.2.127"},
     .address = "192.0.2.127"},
    {.what = "several fields are one list",
     .fields = {"X-Forwarded-For", "6.6.6.6", "Accept", "*/*", "x-forwarded-for", "203.0.113.9 ,, 10.1.1.1",
                "X-FORWARDED-FOR", ""},
     .address = "203.0.113.9"},
    {.what = "where all are ours the first is the client",
     .fields = {"X-Forwarded-For", "10.1.1.1, 10.2.2.2"},
     .address = "10.1.1.1"},
    {.what = "ports",
     .fields = {"X-Forwarded-For", "203.0.113.9:4711, 10.0.0.7:1"},
     .address = "203.0.113.9",
     .port = 4711},
    {.what = "an IPv6 client", .fields = {"X-Forwarded-For", "2001:DB8:0::9"}, .address = "2001:db8::9"},
    {.what = "in brackets", .fields = {"X-Forwarded-For", "[2001:db8::9]"}, .address = "2001:db8::9"},
    {.what = "with a port",
     .fields = {"X-Forwarded-For", "[2001:db8::9]:65535"},
     .address = "2001:db8::9",
     .port = 65535},
    {.what = "a zone is dropped", .fields = {"X-Forwarded-For", "fe80::1%eth0, [fd00::1%25]:8"}, .address = "fe80::1"},
    {.what = "IPv4 in IPv6 is IPv4",
     .fields = {"X-Forwarded-For", "::ffff:203.0.113.9, ::ffff:10.0.0.4"},
     .address = "203.0.113.9"},
    {.what = "what is malformed ends the search",
     .fields = {"X-Forwarded-For", "203.0.113.9, bogus, 10.2.2.2"},
     .address = "10.2.2.2"},
    {.what = "at once, if need be", .fields = {"X-Forwarded-For", "203.0.113.9, unknown"}},
    {.what = "a port that is none", .fields = {"X-Forwarded-For", "203.0.113.9:65536"}},
    {.what = "an address that is none", .fields = {"X-Forwarded-For", "203.0.113.256"}},
    {.what = "half an address", .fields = {"X-Forwarded-For", "203.0.113"}},
    {.what = "a leading zero", .fields = {"X-Forwarded-For", "203.0.113.09"}},
    {.what = "nothing in brackets", .fields = {"X-Forwarded-For", "[]"}},
    {.what = "an open bracket", .fields = {"X-Forwarded-For", "[2001:db8::9"}},
    {.what = "something behind the bracket", .fields = {"X-Forwarded-For", "[2001:db8::9]4"}},
    {.what = "IPv4 in brackets", .fields = {"X-Forwarded-For", "[203.0.113.9]:1"}},
    {.what = "a colon at the end", .fields = {"X-Forwarded-For", "203.0.113.9:"}},
    {.what = "a colon alone", .fields = {"X-Forwarded-For", ":"}},
    {.what = "too many groups", .fields = {"X-Forwarded-For", "1:2:3:4:5:6:7:8:9"}},
    {.what = "a very long one",
     .fields = {"X-Forwarded-For",
                "11111111111111111111111111111111111111111111111111111111:1:1:1:1111111111111111111"}},
    {.what = "quotes are nothing for X-Forwarded-For", .fields = {"X-Forwarded-For", "\"203.0.113.9\""}},
    {.what = "an open quote hides nothing behind it",
     .fields = {"X-Forwarded-For", "\", 203.0.113.9"},
     .address = "203.0.113.9"},

    {.what = "the scheme", .fields = {"X-Forwarded-Proto", "HTTPS"}, .scheme = "https"},
    {.what = "which is http or https", .fields = {"X-Forwarded-Proto", "gopher"}},
    {.what = "a list of one for each proxy",
     .fields = {"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto", "http, https, http"},
     .address = "203.0.113.9",
     .scheme = "https"},
    {.what = "one for all of them",
     .fields = {"X-Forwarded-For", "203.0.113.9, 10.0.0.2, 10.0.0.3", "X-Forwarded-Proto", "https"},
     .address = "203.0.113.9",
     .scheme = "https"},
    {.what = "the host", .fields = {"X-Forwarded-Host", "www.example:8443"}, .authority = "www.example:8443"},
    {.what = "unless it is none", .fields = {"X-Forwarded-Host", "www.example/x"}},
    {.what = "nor a list without addresses to go by",
     .fields = {"X-Forwarded-Host", "evil.example, www.example"},
     .authority = "www.example"},

    {.what = "Forwarded",
     .fields = {"Forwarded", "for=6.6.6.6;proto=http, For=203.0.113.9;proto=https;by=_x;host=\"www.example:1\""},
     .address = "203.0.113.9",
     .scheme = "https",
     .authority = "www.example:1"},
    {.what = "Forwarded with IPv6",
     .fields = {"Forwarded", "for=\"[2001:db8::9]:4711\" ; proto=https , for=10.0.0.3;proto=http"},
     .address = "2001:db8::9",
     .port = 4711,
     .scheme = "https"},
    {.what = "a port that is hidden", .fields = {"Forwarded", "for=\"203.0.113.9:_p\""}, .address = "203.0.113.9"},
    {.what = "escapes in quotes", .fields = {"Forwarded", "for=\"203\\.0.113.9\""}, .address = "203.0.113.9"},
    {.what = "a hidden client, whose scheme is known",
     .fields = {"Forwarded", "for=6.6.6.6, for=_hidden;proto=https"},
     .scheme = "https"},
    {.what = "behind a proxy of ours",
     .fields = {"Forwarded", "for=unknown;proto=https, for=10.0.0.8"},
     .address = "10.0.0.8",
     .scheme = "https"},
    {.what = "no for", .fields = {"Forwarded", "for=6.6.6.6, proto=https"}, .scheme = "https"},
    {.what = "for twice", .fields = {"Forwarded", "for=203.0.113.9;for=6.6.6.6;proto=https"}},
    {.what = "no pair", .fields = {"Forwarded", "203.0.113.9"}},
    {.what = "an open quote of the client's hides nothing",
     .fields = {"Forwarded", "for=\"6.6.6.6, for=203.0.113.9"},
     .address = "203.0.113.9"},
    {.what = "nor does one in another field",
     .fields = {"Forwarded", "for=\"6.6.6.6", "Forwarded", "for=\"[2001:db8::9]\""},
     .address = "2001:db8::9"},
    {.what = "nor one that a proxy's quote closes",
     .fields = {"Forwarded", "for=6.6.6.6;x=\", for=\"[2001:db8::9]\";proto=https"},
     .address = "2001:db8::9",
     .scheme = "https"},
    {.what = "nor a backslash", .fields = {"Forwarded", "x=\"\\, for=\"203.0.113.9\""}, .address = "203.0.113.9"},
    {.what = "X-Forwarded-For comes before Forwarded",
     .fields = {"Forwarded", "for=6.6.6.6;proto=https", "X-Forwarded-For", "203.0.113.9"},
     .address = "203.0.113.9"},

    {.what = "a proxy on a unix socket",
     .peer = "unix:",
     .fields = {"X-Forwarded-For", "203.0.113.9"},
     .address = "203.0.113.9"},
    {.what = "an IPv6 proxy",
     .peer = "fd12::1",
     .fields = {"X-Forwarded-For", "203.0.113.9"},
     .address = "203.0.113.9"},
};

static void fill(struct exchange *exchange, const struct identity_case *wanted, const char *peer)
{
    *exchange = (struct exchange){0};
    arena_init(&exchange->arena, 0);
    exchange->request.scheme = SLICE("http");
    exchange->request.authority = SLICE("shop.example");
    exchange->peer_address = slice_from_text(peer);
    exchange->peer_port = 1234;
    for (size_t i = 0; i < MOST_FIELDS && wanted->fields[i] != NULL; i += 2)
        headers_add(&exchange->request.headers, &exchange->arena, slice_from_text(wanted->fields[i]),
                    slice_from_text(wanted->fields[i + 1]));
}

static void settle(struct exchange *exchange)
{
    struct settings settings = {
        .trusted_proxies = trusted,
        .trusted_proxy_count = sizeof(trusted) / sizeof(trusted[0]),
    };
    client_identity_settle(exchange, &settings);
}

static bool is_text(struct slice slice, const char *text)
{
    return slice_equals(slice, slice_from_text(text));
}

static void believes_trusted_proxies(void **state)
{
    for (size_t i = 0; i < sizeof(believed) / sizeof(believed[0]); ++i) {
        const struct identity_case *wanted = &believed[i];
        const char *peer = wanted->peer == NULL ? "10.0.0.1" : wanted->peer;
        const char *address = wanted->address == NULL ? peer : wanted->address;
        unsigned port = wanted->address == NULL ? 1234 : wanted->port;
        struct exchange exchange;
        fill(&exchange, wanted, peer);
        settle(&exchange);
        if (!is_text(exchange.peer_address, address) || exchange.peer_port != port)
            fail_msg("%s: the client is '%.*s' port %u", wanted->what, SLICE_ARG(exchange.peer_address),
                     exchange.peer_port);
        if (!is_text(exchange.proxy_address, peer))
            fail_msg("%s: the proxy is '%.*s'", wanted->what, SLICE_ARG(exchange.proxy_address));
        if (!is_text(exchange.request.scheme, wanted->scheme == NULL ? "http" : wanted->scheme))
            fail_msg("%s: the scheme is '%.*s'", wanted->what, SLICE_ARG(exchange.request.scheme));
        if (!is_text(exchange.request.client_authority, wanted->authority == NULL ? "shop.example" : wanted->authority))
            fail_msg("%s: the host is '%.*s'", wanted->what, SLICE_ARG(exchange.request.client_authority));
        assert_true(is_text(exchange.request.authority, "shop.example"));
        arena_finish(&exchange.arena);
    }
}

static const char *const untrusted[] = {"203.0.113.1", "9.255.255.255", "11.0.0.0", "192.0.2.127",
                                        "fb00::1",     "2001:db8::1",   "::"};

static void believes_nobody_else(void **state)
{
    for (size_t i = 0; i < sizeof(believed) / sizeof(believed[0]); ++i) {
        for (size_t k = 0; k < sizeof(untrusted) / sizeof(untrusted[0]); ++k) {
            struct exchange exchange;
            fill(&exchange, &believed[i], untrusted[k]);
            settle(&exchange);
            assert_true(is_text(exchange.peer_address, untrusted[k]) && exchange.peer_port == 1234);
            assert_true(is_text(exchange.request.scheme, "http") && exchange.proxy_address.length == 0);
            assert_true(is_text(exchange.request.client_authority, "shop.example"));
            for (size_t n = 0; n < exchange.request.headers.count; ++n)
                assert_true(is_text(exchange.request.headers.items[n].name, "Accept"));
            arena_finish(&exchange.arena);
        }
    }
}

static void trusts_nobody_by_itself(void **state)
{
    static const char *const peers[] = {"127.0.0.1", "::1", "unix:", "10.0.0.1"};
    static const struct settings nothing = {0};
    const struct identity_case spoofed = {.fields = {"X-Forwarded-For", "1.2.3.4", "Forwarded", "for=1.2.3.4"}};
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); ++i) {
        struct exchange exchange;
        fill(&exchange, &spoofed, peers[i]);
        client_identity_settle(&exchange, &nothing);
        assert_true(is_text(exchange.peer_address, peers[i]));
        assert_int_equal(exchange.request.headers.count, 0);
        arena_finish(&exchange.arena);
    }
}

static void keeps_what_it_believes(void **state)
{
    const struct identity_case sent = {.fields = {"X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.9",
                                                  "X-Forwarded-Proto", "gopher", "X-Forwarded-Host", "a b",
                                                  "X-Forwarded-Port", "443", "Forwarded", "for=203.0.113.9"}};
    struct exchange exchange;
    fill(&exchange, &sent, "10.0.0.1");
    settle(&exchange);
    assert_int_equal(exchange.request.headers.count, 4);
    assert_null(headers_find(&exchange.request.headers, SLICE("x-forwarded-proto")));
    assert_null(headers_find(&exchange.request.headers, SLICE("x-forwarded-host")));
    arena_finish(&exchange.arena);
}

static void follows_a_hundred_proxies(void **state)
{
    char list[4096] = "203.0.113.9";
    for (size_t i = 0, length = strlen(list); i < 100; ++i)
        length += (size_t)snprintf(list + length, sizeof(list) - length, ", 10.0.%zu.1:%zu", i, i);
    const struct identity_case sent = {.fields = {"X-Forwarded-For", list}};
    struct exchange exchange;
    fill(&exchange, &sent, "10.0.0.1");
    settle(&exchange);
    assert_true(is_text(exchange.peer_address, "203.0.113.9"));
    arena_finish(&exchange.arena);
}

static void knows_the_names_of_claims(void **state)
{
    static const char *const all[] = {
        "X-Forwarded-For",    "x-forwarded-proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Forwarded-Server", "X-Forwarded-Ssl",   "X-Forwarded",      "Forwarded",        "FORWARDED-FOR",
        "X-Real-IP",          "X-Client-IP",       "True-Client-IP",   "CF-Connecting-IP", "Client-IP",
    };
    static const char *const none[] = {"",
                                       "X",
                                       "Accept",
                                       "X-Forward",
                                       "X-Forwardedness",
                                       "Forwarder",
                                       "X-Request-Id",
                                       "Content-Type",
                                       "Cookie",
                                       "X-Real-IPs",
                                       "Via",
                                       "X-Requested-With"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); ++i)
        assert_true(client_identity_is_claim(slice_from_text(all[i])));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); ++i)
        assert_false(client_identity_is_claim(slice_from_text(none[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believes_trusted_proxies),  cmocka_unit_test(believes_nobody_else),
        cmocka_unit_test(trusts_nobody_by_itself),   cmocka_unit_test(keeps_what_it_believes),
        cmocka_unit_test(follows_a_hundred_proxies), cmocka_unit_test(knows_the_names_of_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
