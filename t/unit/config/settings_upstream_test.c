#include "config/settings.h"

#include "settings_files.h"

static void assert_status(const struct status_range *range, unsigned first, unsigned last)
{
    assert_int_equal(range->first, first);
    assert_int_equal(range->last, last);
}

static void assert_usual_upstream(const struct upstream_settings *upstream)
{
    assert_int_equal(upstream->balance.kind, BALANCE_ROUND_ROBIN);
    assert_int_equal(upstream->sticky.cookie.length, 0);
    assert_null(upstream->health);
    assert_int_equal(upstream->eject.failures, 5);
    assert_int_equal(upstream->eject.time_ms, 10000);
    assert_int_equal(upstream->eject.longest_ms, 300000);
    assert_int_equal(upstream->eject.statuses.count, 0);
    assert_int_equal(upstream->slow_start_ms, 0);
    assert_int_equal(upstream->retry.tries, 2);
    assert_true(upstream->retry.on_failure);
    assert_false(upstream->retry.on_timeout);
    assert_int_equal(upstream->retry.statuses.count, 0);
    assert_int_equal(upstream->retry.method_count, 0);
    assert_int_equal(upstream->retry.budget_percent, 20);
    assert_int_equal(upstream->max_requests, 0);
    assert_int_equal(upstream->max_connections, 0);
    assert_int_equal(upstream->queue_length, 1000);
    assert_int_equal(upstream->queue_timeout_ms, 5000);
    assert_int_equal(upstream->tls_timeout_ms, 5000);
    assert_int_equal(upstream->send_timeout_ms, 60000);
    assert_int_equal(upstream->try_timeout_ms, 0);
    assert_int_equal(upstream->total_timeout_ms, 0);
    assert_int_equal(upstream->tunnel_timeout_ms, 3600000);
    assert_int_equal(upstream->proxy_protocol, PROXY_PROTOCOL_NONE);
    assert_int_equal(upstream->servers[0].weight, 1);
    assert_false(upstream->servers[0].is_backup);
    assert_int_equal(upstream->servers[0].max_requests, 0);
    assert_int_equal(upstream->servers[0].max_connections, 0);
}

static void every_upstream_has_defaults(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "upstreams:\n  one: http://a\n  two: { servers: [http://a] }\n"
                    "  three: { servers: { url: http://a }, eject: yes, retry: yes, queue: yes, "
                    "health: no, sticky: no }\n"
                    "routes:\n  - proxy: http://a\n");
    assert_int_equal(settings->upstream_count, 4);
    for (size_t i = 0; i < settings->upstream_count; ++i)
        assert_usual_upstream(settings->upstreams[i]);
    const struct forward_settings *forward = settings->routes[0].forward;
    assert_int_equal(forward->strip.length, 0);
    assert_int_equal(forward->prefix.length, 0);
    assert_int_equal(forward->host, HOST_KEEP);
    assert_int_equal(forward->forwarded, FORWARDED_X);
    assert_true(forward->maps_location);
    assert_int_equal(forward->cookie_domain_count, 0);
    assert_int_equal(forward->cookie_path_count, 0);
    assert_int_equal(forward->upgrade_count, 1);
    assert_slice(forward->upgrades[0].text, "websocket");
    assert_int_equal(settings->trusted_proxy_count, 0);
    assert_int_equal(settings->error_pages.count, 0);
    settings_destroy(settings);
}

static void reads_how_servers_are_chosen(void **state)
{
    struct settings *settings = settings_of(
        *state, "x.yaml",
        "upstreams:\n"
        "  a: { servers: [http://a, { url: http://b, backup: yes, max_requests: 7, max_connections: 8 }], "
        "balance: least-requests, sticky: sid, max_requests: 9, max_connections: 10, slow_start: 30s }\n"
        "  b: { servers: http://a, balance: random-two, sticky: { cookie: __Host-s, max_age: 1h, secure: yes, "
        "same_site: none } }\n"
        "  c: { servers: http://a, balance: { hash: address } }\n"
        "  d: { servers: http://a, balance: { hash: path } }\n"
        "  e: { servers: http://a, balance: { hash: { header: X-User } }, proxy_protocol: v2 }\n"
        "  f: { servers: http://a, balance: { hash: { cookie: sid } }, sticky: { cookie: s, path: /a, same_site: "
        "strict } "
        "}\n");
    struct upstream_settings *const *upstreams = settings->upstreams;
    assert_int_equal(upstreams[0]->balance.kind, BALANCE_LEAST_REQUESTS);
    assert_slice(upstreams[0]->sticky.cookie, "sid");
    assert_slice(upstreams[0]->sticky.path, "/");
    assert_int_equal(upstreams[0]->sticky.max_age_ms, 0);
    assert_false(upstreams[0]->sticky.is_secure);
    assert_int_equal(upstreams[0]->sticky.same_site, SAME_SITE_LAX);
    assert_true(upstreams[0]->servers[1].is_backup);
    assert_int_equal(upstreams[0]->servers[1].max_requests, 7);
    assert_int_equal(upstreams[0]->servers[1].max_connections, 8);
    assert_int_equal(upstreams[0]->max_requests, 9);
    assert_int_equal(upstreams[0]->max_connections, 10);
    assert_int_equal(upstreams[0]->slow_start_ms, 30000);
    assert_int_equal(upstreams[1]->balance.kind, BALANCE_RANDOM_TWO);
    assert_int_equal(upstreams[1]->sticky.max_age_ms, 3600000);
    assert_true(upstreams[1]->sticky.is_secure);
    assert_int_equal(upstreams[1]->sticky.same_site, SAME_SITE_NONE);
    for (size_t i = 2; i < 6; ++i)
        assert_int_equal(upstreams[i]->balance.kind, BALANCE_HASH);
    assert_int_equal(upstreams[2]->balance.key, BALANCE_KEY_ADDRESS);
    assert_int_equal(upstreams[3]->balance.key, BALANCE_KEY_PATH);
    assert_int_equal(upstreams[4]->balance.key, BALANCE_KEY_HEADER);
    assert_slice(upstreams[4]->balance.key_name, "X-User");
    assert_int_equal(upstreams[4]->proxy_protocol, PROXY_PROTOCOL_V2);
    assert_int_equal(upstreams[5]->balance.key, BALANCE_KEY_COOKIE);
    assert_slice(upstreams[5]->balance.key_name, "sid");
    assert_slice(upstreams[5]->sticky.path, "/a");
    assert_int_equal(upstreams[5]->sticky.same_site, SAME_SITE_STRICT);
    settings_destroy(settings);
}

static void reads_how_failures_are_met(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "upstreams:\n"
                    "  a: { servers: http://a, health: /h?x=1, eject: no, retry: no, queue: no }\n"
                    "  b:\n    servers: http://a\n"
                    "    health: { path: /, host: \"[0::1]:81\", every: 1s, healthy_after: 4, unhealthy_after: 6, "
                    "status: [204, 3xx], body: ok }\n"
                    "    eject: { failures: 1, time: 1h, status: 5XX }\n"
                    "    retry: { tries: 3, on: [timeout, 429, 502-504], methods: [GET, PURGE], budget: 100 }\n"
                    "    queue: { length: 5, timeout: 1s }\n"
                    "    send_timeout: 1s\n    try_timeout: 2s\n    total_timeout: 3s\n    tunnel_timeout: 4s\n");
    const struct upstream_settings *a = settings->upstreams[0], *b = settings->upstreams[1];
    assert_slice(a->health->path, "/h?x=1");
    assert_int_equal(a->health->host.length, 0);
    assert_int_equal(a->health->every_ms, 5000);
    assert_int_equal(a->health->timeout_ms, 2000);
    assert_int_equal(a->health->healthy_after, 2);
    assert_int_equal(a->health->unhealthy_after, 3);
    assert_int_equal(a->health->statuses.count, 1);
    assert_status(&a->health->statuses.items[0], 200, 399);
    assert_int_equal(a->health->body.length, 0);
    assert_int_equal(a->eject.failures, 0);
    assert_int_equal(a->retry.tries, 1);
    assert_false(a->retry.on_failure);
    assert_int_equal(a->queue_length, 0);
    assert_slice(b->health->host, "[::1]:81");
    assert_int_equal(b->health->timeout_ms, 2000);
    assert_int_equal(b->health->healthy_after, 4);
    assert_int_equal(b->health->unhealthy_after, 6);
    assert_status(&b->health->statuses.items[0], 204, 204);
    assert_status(&b->health->statuses.items[1], 300, 399);
    assert_slice(b->health->body, "ok");
    assert_int_equal(b->eject.failures, 1);
    assert_int_equal(b->eject.longest_ms, 3600000);
    assert_status(&b->eject.statuses.items[0], 500, 599);
    assert_int_equal(b->retry.tries, 3);
    assert_false(b->retry.on_failure);
    assert_true(b->retry.on_timeout);
    assert_int_equal(b->retry.statuses.count, 2);
    assert_status(&b->retry.statuses.items[1], 502, 504);
    assert_int_equal(b->retry.method_count, 2);
    assert_slice(b->retry.methods[1].text, "PURGE");
    assert_int_equal(b->retry.budget_percent, 100);
    assert_int_equal(b->queue_length, 5);
    assert_int_equal(b->queue_timeout_ms, 1000);
    assert_int_equal(b->send_timeout_ms, 1000);
    assert_int_equal(b->try_timeout_ms, 2000);
    assert_int_equal(b->total_timeout_ms, 3000);
    assert_int_equal(b->tunnel_timeout_ms, 4000);
    settings_destroy(settings);
}

static void reads_how_requests_are_rewritten(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "routes:\n"
                    "  - match: /a\n    proxy: { to: http://a, prefix: /v1/, host: shop.example:8080, forwarded: both, "
                    "location: keep, cookie_domain: { .A.example: b.example, c: \"\" }, "
                    "cookie_path: { /v1/: /api, /: /x/ }, upgrade: [websocket, IRC/6.9] }\n"
                    "  - match: /b\n    proxy: { to: http://a, prefix: /, host: \"keep-it\", upgrade: any }\n"
                    "  - proxy: { to: http://a, upgrade: no, forwarded: none }\n");
    const struct forward_settings *forward = settings->routes[0].forward;
    assert_slice(forward->prefix, "/v1");
    assert_int_equal(forward->host, HOST_TEXT);
    assert_slice(forward->host_text, "shop.example:8080");
    assert_int_equal(forward->forwarded, FORWARDED_BOTH);
    assert_false(forward->maps_location);
    assert_int_equal(forward->cookie_domain_count, 2);
    assert_slice(forward->cookie_domains[0].name, "A.example");
    assert_slice(forward->cookie_domains[0].value, "b.example");
    assert_slice(forward->cookie_domains[1].value, "");
    assert_slice(forward->cookie_paths[0].name, "/v1");
    assert_slice(forward->cookie_paths[0].value, "/api");
    assert_slice(forward->cookie_paths[1].name, "");
    assert_slice(forward->cookie_paths[1].value, "/x");
    assert_int_equal(forward->upgrade_count, 2);
    assert_slice(forward->upgrades[1].text, "IRC/6.9");
    forward = settings->routes[1].forward;
    assert_slice(forward->prefix, "");
    assert_slice(forward->host_text, "keep-it");
    assert_slice(forward->upgrades[0].text, "*");
    assert_int_equal(settings->routes[2].forward->upgrade_count, 0);
    assert_int_equal(settings->routes[2].forward->forwarded, FORWARDED_NONE);
    settings_destroy(settings);
}

static void assert_range(const struct address_range *range, unsigned bytes, unsigned first, unsigned last,
                         unsigned bits)
{
    assert_int_equal(range->address_bytes, bytes);
    assert_int_equal(range->address[0], first);
    assert_int_equal(range->address[bytes - 1], last);
    assert_int_equal(range->bits, bits);
}

static void reads_whom_to_trust(void **state)
{
    struct settings *settings = settings_of(
        *state, "x.yaml",
        "trusted_proxies: [10.0.0.0/8, private, \"::1\", 127.0.0.1, \"::ffff:192.0.2.0/120\", 0.0.0.0/0]\n");
    const struct address_range *ranges = settings->trusted_proxies;
    assert_int_equal(settings->trusted_proxy_count, 5 + 8);
    assert_range(&ranges[0], 4, 10, 0, 8);
    assert_range(&ranges[1], 16, 0, 1, 128);
    assert_range(&ranges[2], 4, 127, 1, 32);
    assert_range(&ranges[3], 4, 192, 0, 24);
    assert_range(&ranges[4], 4, 0, 0, 0);
    assert_range(&ranges[12], 16, 0xfe, 0, 10);
    settings_destroy(settings);
    settings = settings_of(*state, "x.yaml", "trusted_proxies: 192.0.2.1\n");
    assert_int_equal(settings->trusted_proxy_count, 1);
    settings_destroy(settings);
}

static void reads_error_pages(void **state)
{
    struct files *files = *state;
    files_write(files, "d/a.html", "<p>a");
    files_write(files, "b.json", "{}");
    files_write(files, "d/in.yaml", "error_pages: { 404: a.html }\n");
    struct settings *settings = settings_of(files, "x.yaml",
                                            "include: d/in.yaml\nerror_pages: { 500-503: d/a.html, 5xx: b.json }\n"
                                            "routes:\n  - { error_pages: { 4xx: b.json }, handler: echo }\n");
    assert_int_equal(settings->error_pages.count, 3);
    const struct error_page *pages = settings->error_pages.items;
    assert_status(&pages[0].statuses, 404, 404);
    assert_slice(pages[0].content, "<p>a");
    assert_slice(pages[0].type, "text/html; charset=utf-8");
    assert_status(&pages[1].statuses, 500, 503);
    assert_status(&pages[2].statuses, 500, 599);
    assert_slice(pages[2].type, "application/json");
    assert_int_equal(settings->routes[0].error_pages.count, 1);
    assert_status(&settings->routes[0].error_pages.items[0].statuses, 400, 499);
    settings_destroy(settings);
}

static int open_clean(void **state)
{
    return settings_clear_environment(state) + files_open(state);
}

#define SETTINGS_TEST(function) cmocka_unit_test_setup_teardown(function, open_clean, files_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(every_upstream_has_defaults), SETTINGS_TEST(reads_how_servers_are_chosen),
        SETTINGS_TEST(reads_how_failures_are_met),  SETTINGS_TEST(reads_how_requests_are_rewritten),
        SETTINGS_TEST(reads_whom_to_trust),         SETTINGS_TEST(reads_error_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
