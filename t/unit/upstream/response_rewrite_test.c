#include "upstream/response_rewrite.h"

#include "upstream/cookie_rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct url_case {
    const char *url, *expected; /* expected NULL: as it is */
    const char *host;           /* the client's; NULL: shop.example */
    bool is_https;              /* the client */
    bool is_tls;                /* the server */
    const char *strip, *prefix;
    const char *host_text;
    bool is_kept; /* the client's Host goes to the server */
};

static const struct url_case urls[] = {
    {.url = "http://inner:3000/login", .expected = "http://shop.example/login"},
    {.url = "HTTP://INNER:3000/Login?a=b#c", .expected = "http://shop.example/Login?a=b#c"},
    {.url = "http://inner:3000", .expected = "http://shop.example"},
    {.url = "http://inner:3000?a", .expected = "http://shop.example?a"},
    {.url = "http://inner:3000/x", .expected = "https://shop.example/x", .is_https = true},
    {.url = "http://inner:3000/x", .expected = "http://shop.example:8080/x", .host = "shop.example:8080"},
    {.url = "http://inner:3000/x", .expected = "http://[::1]:8080/x", .host = "[::1]:8080"},
    {.url = "//inner:3000/x", .expected = "//shop.example/x"},
    {.url = "https://inner:3000/x", .expected = "https://shop.example/x", .host = "shop.example:8080"},
    {.url = "https://inner:3000/x", .expected = "https://shop.example/x", .is_https = true},
    {.url = "https://inner:3000/x", .expected = "http://shop.example/x", .is_tls = true},
    {.url = "http://inner:3000/x", .expected = "http://shop.example/x", .is_tls = true},
    {.url = "http://inner:3000/x",
     .expected = "http://shop.example/x",
     .is_tls = true,
     .is_https = true,
     .host = "shop.example:8443"},

    {.url = "http://inner/x"},
    {.url = "http://inner:3001/x"},
    {.url = "http://inner:3000.evil/x"},
    {.url = "http://inner:3000@evil/x"},
    {.url = "http://evil@inner:3000/x"},
    {.url = "http://inner:3000\\@evil/x"},
    {.url = "http://other.example/x"},
    {.url = "http://:3000/x"},
    {.url = "http:///x"},
    {.url = "http://"},
    {.url = "ftp://inner:3000/x"},
    {.url = "http:inner:3000/x"},
    {.url = ""},
    {.url = "/x"},
    {.url = "x"},
    {.url = "../x"},
    {.url = "?a"},
    {.url = "#a"},
    {.url = "//other.example/x"},

    {.url = "http://app.internal/x", .expected = "http://shop.example/x", .host_text = "app.internal"},
    {.url = "http://app.internal:80/x", .expected = "http://shop.example/x", .host_text = "app.internal"},
    {.url = "http://app.internal/x", .expected = "http://shop.example/x", .host_text = "app.internal:80"},
    {.url = "https://app.internal/x",
     .expected = "https://shop.example/x",
     .host_text = "app.internal",
     .is_https = true},
    {.url = "https://app.internal:443/x", .expected = "https://shop.example/x", .host_text = "app.internal"},
    {.url = "http://app.internal:443/x", .host_text = "app.internal"},
    {.url = "http://inner:3000/x", .expected = "http://shop.example/x", .host_text = "app.internal"},

    {.url = "http://shop.example/x", .expected = "http://shop.example/x", .is_kept = true},
    {.url = "http://shop.example/x", .expected = "https://shop.example/x", .is_kept = true, .is_https = true},
    {.url = "https://shop.example/x", .expected = "https://shop.example/x", .is_kept = true},
    {.url = "https://shop.example/x", .expected = "https://shop.example/x", .is_kept = true, .is_tls = true},
    {.url = "http://shop.example/x", .expected = "http://shop.example/api/x", .is_kept = true, .strip = "/api"},
    {.url = "http://shop.example:81/x", .is_kept = true, .strip = "/api"},
    {.url = "http://inner:3000/x", .expected = "http://shop.example/x", .is_kept = true},

    {.url = "/x", .expected = "/api/x", .strip = "/api"},
    {.url = "/", .expected = "/api/", .strip = "/api"},
    {.url = "/?a", .expected = "/api/?a", .strip = "/api/"},
    {.url = "x", .strip = "/api"},
    {.url = "http://inner:3000", .expected = "http://shop.example/api", .strip = "/api"},
    {.url = "http://inner:3000/x?a#b", .expected = "http://shop.example/api/x?a#b", .strip = "/api"},
    {.url = "http://other.example/x", .strip = "/api"},
    {.url = "/v1/x", .expected = "/api/x", .strip = "/api", .prefix = "/v1"},
    {.url = "/v1", .expected = "/api", .strip = "/api", .prefix = "/v1"},
    {.url = "/v1?a", .expected = "/api?a", .strip = "/api", .prefix = "/v1/"},
    {.url = "/v1/", .expected = "/api/", .strip = "/api", .prefix = "/v1"},
    {.url = "/ab/x", .expected = "/cd/x", .strip = "/cd", .prefix = "/ab"},
    {.url = "/v1x/y", .strip = "/api", .prefix = "/v1"},
    {.url = "/other", .strip = "/api", .prefix = "/v1"},
    {.url = "http://inner:3000/other", .expected = "http://shop.example/other", .strip = "/api", .prefix = "/v1"},
    {.url = "http://inner:3000/v1/x", .expected = "http://shop.example/x", .prefix = "/v1"},
    {.url = "/v1/x", .expected = "/x", .prefix = "/v1"},
    {.url = "/v1", .expected = "/", .prefix = "/v1"},
    {.url = "/v1?a", .expected = "/?a", .prefix = "/v1"},

    {.url = "/v1//evil.example", .prefix = "/v1"},
    {.url = "/v1/\\evil.example", .prefix = "/v1"},
    {.url = "/v1//evil.example", .expected = "/api//evil.example", .prefix = "/v1", .strip = "/api"},
    {.url = "http://inner:3000/v1//evil.example", .expected = "http://shop.example//evil.example", .prefix = "/v1"},

    {.url = "http://inner:3000/x", .expected = "/x", .host = ""},
    {.url = "http://inner:3000", .expected = "/", .host = ""},
    {.url = "http://inner:3000/x?a", .expected = "/api/x?a", .host = "", .strip = "/api"},
    {.url = "http://inner:3000//evil.example", .host = ""},
};

static void fill(struct exchange *exchange, const struct url_case *wanted, struct forward_settings *forward)
{
    *exchange = (struct exchange){0};
    arena_init(&exchange->arena, 0);
    exchange->request.scheme = wanted->is_https ? SLICE("https") : SLICE("http");
    exchange->request.authority = slice_from_text(wanted->host == NULL ? "shop.example" : wanted->host);
    *forward = (struct forward_settings){
        .host = wanted->is_kept             ? HOST_KEEP
                : wanted->host_text != NULL ? HOST_TEXT
                                            : HOST_SERVER,
        .host_text = slice_from_text(wanted->host_text),
        .strip = slice_from_text(wanted->strip),
        .prefix = slice_from_text(wanted->prefix),
        .maps_location = true,
    };
}

static void leads_the_client_where_the_server_means(void **state)
{
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); ++i) {
        struct exchange exchange;
        struct forward_settings forward;
        fill(&exchange, &urls[i], &forward);
        struct response_origin origin = {SLICE("inner:3000"), urls[i].is_tls};
        struct slice got = response_rewrite_url(&exchange, &forward, &origin, slice_from_text(urls[i].url));
        if (urls[i].expected == NULL && got.data != urls[i].url)
            fail_msg("row %zu: '%s' became '%.*s'", i, urls[i].url, SLICE_ARG(got));
        if (urls[i].expected != NULL && !slice_equals(got, slice_from_text(urls[i].expected)))
            fail_msg("row %zu: '%s' became '%.*s', not '%s'", i, urls[i].url, SLICE_ARG(got), urls[i].expected);
        arena_finish(&exchange.arena);
    }
}

static const struct field_pair domains[] = {
    {.name = {"shop.internal", 13}, .value = {"shop.example", 12}},
    {.name = {".old.internal", 13}, .value = {"", 0}},
};

static const struct field_pair paths[] = {
    {.name = {"/v1/deep", 8}, .value = {"/", 1}},
    {.name = {"/v1", 3}, .value = {"/api", 4}},
};

static const struct field_pair root[] = {{.name = {"/", 1}, .value = {"/api", 4}}};

struct cookie_case {
    const char *value, *expected; /* expected NULL: as it is */
    bool is_root;
};

static const struct cookie_case cookies[] = {
    {.value = "a=b"},
    {.value = "a=b; Domain=shop.internal", .expected = "a=b; Domain=shop.example"},
    {.value = "a=b; domain = .SHOP.internal ;Secure", .expected = "a=b; domain = shop.example ;Secure"},
    {.value = "a=b; Domain=old.internal; Path=/x; HttpOnly", .expected = "a=b; Path=/x; HttpOnly"},
    {.value = "a=b;Domain=old.internal", .expected = "a=b"},
    {.value = "a=b; Domain=sub.shop.internal"},
    {.value = "a=b; Domain=shop.internal.evil"},
    {.value = "a=b; Domain="},
    {.value = "a=b; Domain=."},
    {.value = "a=b; Domain"},
    {.value = "a=b; Path=/v1", .expected = "a=b; Path=/api"},
    {.value = "a=b; PATH=/v1/", .expected = "a=b; PATH=/api/"},
    {.value = "a=b; path=/v1/x/y; SameSite=Lax", .expected = "a=b; path=/api/x/y; SameSite=Lax"},
    {.value = "a=b; path=/v1x"},
    {.value = "a=b; path=v1"},
    {.value = "a=b; path=\"/v1\""},
    {.value = "a=b; path=/v1/deep/x", .expected = "a=b; path=/x"},
    {.value = "a=b; path=/v1/deep", .expected = "a=b; path=/"},
    {.value = "a=b; path="},
    {.value = "a=b; path"},
    {.value = "a=Path=/v1; x"},
    {.value = "Path=/v1; x"},
    {.value = "Domain=shop.internal"},
    {.value = "a=\"b; Path=/v1\""},
    {.value = "; Path=/v1"},
    {.value = "a; Path=/v1"},
    {.value = ""},
    {.value = ";"},
    {.value = ";;=;"},
    {.value = "a=b;; Path=/v1;;Domain=shop.internal;Path=/v1;",
     .expected = "a=b;; Path=/api;;Domain=shop.example;Path=/api;"},
    {.value = "a=b; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
     .expected = "a=b; Path=/api; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
     true},
    {.value = "a=b; Path=/x", .expected = "a=b; Path=/api/x", .is_root = true},
    {.value = "a=b; Path=//", .expected = "a=b; Path=/api//", .is_root = true},
    {.value = "a=\x80\xff \t; Path=/x", .expected = "a=\x80\xff \t; Path=/api/x", .is_root = true},
};

static void maps_domain_and_path_of_cookies(void **state)
{
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); ++i) {
        struct forward_settings forward = {
            .cookie_domains = domains,
            .cookie_domain_count = 2,
            .cookie_paths = cookies[i].is_root ? root : paths,
            .cookie_path_count = cookies[i].is_root ? 1 : 2,
        };
        struct arena arena;
        arena_init(&arena, 0);
        struct slice got = cookie_rewrite(slice_from_text(cookies[i].value), &forward, &arena);
        if (cookies[i].expected == NULL && got.data != cookies[i].value)
            fail_msg("'%s' became '%.*s'", cookies[i].value, SLICE_ARG(got));
        if (cookies[i].expected != NULL && !slice_equals(got, slice_from_text(cookies[i].expected)))
            fail_msg("'%s' became '%.*s', not '%s'", cookies[i].value, SLICE_ARG(got), cookies[i].expected);
        arena_finish(&arena);
    }
}

static void bounds_what_a_hostile_cookie_costs(void **state)
{
    struct forward_settings forward = {.cookie_paths = paths, .cookie_path_count = 2};
    char value[60001] = "a=b";
    for (size_t i = 3; i + 9 < sizeof(value); i += 9)
        memcpy(value + i, ";path=/v1", 10);
    struct arena arena;
    arena_init(&arena, 0);
    struct slice got = cookie_rewrite(slice_from_text(value), &forward, &arena);
    assert_int_equal(got.length, strlen(value) + strlen(value) / 9);
    assert_true(arena.taken_bytes < 2 * sizeof(value));
    arena_finish(&arena);
}

static void add(struct exchange *exchange, const char *name, const char *value)
{
    headers_add(&exchange->response.headers, &exchange->arena, slice_from_text(name), slice_from_text(value));
}

static void expect(const struct exchange *exchange, size_t index, const char *value)
{
    if (!slice_equals(exchange->response.headers.items[index].value, slice_from_text(value)))
        fail_msg("'%.*s' in place of '%s'", SLICE_ARG(exchange->response.headers.items[index].value), value);
}

static const char *const refreshes[][2] = {
    {"5; url=http://inner:3000/x", "5; url=http://shop.example/x"},
    {"0;URL = 'http://inner:3000/x' ; y", "0;URL = 'http://shop.example/x' ; y"},
    {"1.5, url=\"//inner:3000/x", "1.5, url=\"//shop.example/x"},
    {"5", "5"},
    {"5;", "5;"},
    {"5; url", "5; url"},
    {"5; url=", "5; url="},
    {"5; url='", "5; url='"},
    {"5; url=''", "5; url=''"},
    {"url=http://inner:3000/x", "url=http://inner:3000/x"},
    {"", ""},
};

static void rewrites_the_fields_that_hold_urls(void **state)
{
    struct exchange exchange;
    struct forward_settings forward;
    struct response_origin origin = {SLICE("inner:3000"), false};
    fill(&exchange, &(struct url_case){0}, &forward);
    add(&exchange, "LOCATION", "http://inner:3000/x");
    add(&exchange, "Content-Location", "http://inner:3000/y");
    add(&exchange, "Locations", "http://inner:3000/x");
    add(&exchange, "Set-Cookie", "a=b; Domain=shop.internal");
    for (size_t i = 0; i < sizeof(refreshes) / sizeof(refreshes[0]); ++i)
        add(&exchange, "Refresh", refreshes[i][0]);
    response_rewrite(&exchange, &forward, &origin);
    expect(&exchange, 0, "http://shop.example/x");
    expect(&exchange, 1, "http://shop.example/y");
    expect(&exchange, 2, "http://inner:3000/x");
    expect(&exchange, 3, "a=b; Domain=shop.internal");
    for (size_t i = 0; i < sizeof(refreshes) / sizeof(refreshes[0]); ++i)
        expect(&exchange, 4 + i, refreshes[i][1]);
    arena_finish(&exchange.arena);
}

static void leaves_what_the_route_leaves(void **state)
{
    struct exchange exchange;
    struct forward_settings forward;
    struct response_origin origin = {SLICE("inner:3000"), false};
    fill(&exchange, &(struct url_case){0}, &forward);
    forward.maps_location = false;
    add(&exchange, "Location", "http://inner:3000/x");
    add(&exchange, "Set-Cookie", "a=b; Domain=shop.internal");
    response_rewrite(&exchange, &forward, &origin);
    expect(&exchange, 0, "http://inner:3000/x");
    expect(&exchange, 1, "a=b; Domain=shop.internal");
    forward.cookie_domains = domains;
    forward.cookie_domain_count = 2;
    response_rewrite(&exchange, &forward, &origin);
    expect(&exchange, 0, "http://inner:3000/x");
    expect(&exchange, 1, "a=b; Domain=shop.example");
    arena_finish(&exchange.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leads_the_client_where_the_server_means),
        cmocka_unit_test(maps_domain_and_path_of_cookies),
        cmocka_unit_test(bounds_what_a_hostile_cookie_costs),
        cmocka_unit_test(rewrites_the_fields_that_hold_urls),
        cmocka_unit_test(leaves_what_the_route_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
