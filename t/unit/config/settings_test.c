#include "config/settings.h"

#include "settings_files.h"

static void an_empty_file_has_defaults(void **state)
{
    struct settings *settings = settings_of(*state, "x.yaml", "");
    assert_int_equal(settings->style, SETTINGS_YAML);
    assert_string_equal(settings->path, "x.yaml");
    assert_string_equal(settings->folder, ((struct files *)*state)->folder);
    assert_int_equal(settings->listener_count, 1);
    assert_slice(settings->listeners[0].host, "0.0.0.0");
    assert_int_equal(settings->listeners[0].port, 8069);
    assert_int_equal(settings->workers, 0);
    assert_int_equal(settings->route_count, 0);
    assert_slice(settings->access_log, "-");
    assert_int_equal(settings->user.length, 0);
    assert_int_equal(settings->body_limit_bytes, 16 << 20);
    assert_int_equal(settings->head_limit_bytes, 64 << 10);
    assert_int_equal(settings->header_limit, 100);
    assert_int_equal(settings->header_timeout_ms, 30000);
    assert_int_equal(settings->body_timeout_ms, 60000);
    assert_int_equal(settings->keep_alive_timeout_ms, 75000);
    assert_int_equal(settings->write_timeout_ms, 60000);
    assert_int_equal(settings->handler_timeout_ms, 60000);
    assert_int_equal(settings->drain_timeout_ms, 30000);
    assert_int_equal(settings->shutdown_timeout_ms, 30000);
    assert_int_equal(settings->arena_bytes, 4096);
    settings_destroy(settings);
}

static void variables_speak_where_the_file_is_silent(void **state)
{
    setenv("PORT", "0", 1);
    setenv("ADDRESS", "[::1]", 1);
    setenv("SERVER_THREAD_COUNT", "3", 1);
    setenv("RESPONSE_PREALLOCATION_KB", "8", 1);
    struct settings *settings = settings_of(*state, "x.yaml", "");
    assert_slice(settings->listeners[0].host, "::1");
    assert_int_equal(settings->listeners[0].port, 0);
    assert_int_equal(settings->workers, 3);
    assert_int_equal(settings->arena_bytes, 8192);
    settings_destroy(settings);
    settings = settings_of(*state, "x.yaml", "listen: 81\nworkers: auto\narena: 1KB\n");
    assert_slice(settings->listeners[0].host, "0.0.0.0");
    assert_int_equal(settings->listeners[0].port, 81);
    assert_int_equal(settings->workers, 0);
    assert_int_equal(settings->arena_bytes, 1024);
    settings_destroy(settings);
    setenv("PORT", "", 1);
    setenv("ADDRESS", "localhost", 1);
    settings = settings_of(*state, "x.yaml", "");
    assert_slice(settings->listeners[0].host, "127.0.0.1");
    assert_int_equal(settings->listeners[0].port, 8069);
    settings_destroy(settings);
}

static void reads_listeners(void **state)
{
    struct files *files = *state;
    struct settings *settings =
        settings_of(files, "d/x.yaml",
                    "listen:\n  - 80\n  - localhost:81\n  - \"[0:0::1]:82\"\n  - unix:run/x.sock\n"
                    "  - { address: \"127.0.0.1:0\", name: front }\n  - 0\n  - 0\n");
    const struct listener_settings *listeners = settings->listeners;
    assert_int_equal(settings->listener_count, 7);
    assert_slice(listeners[0].host, "0.0.0.0");
    assert_slice(listeners[1].host, "127.0.0.1");
    assert_int_equal(listeners[1].port, 81);
    assert_slice(listeners[2].host, "::1");
    assert_int_equal(listeners[2].port, 82);
    assert_true(listeners[3].is_unix);
    char *path = file_absolute(files->folder, "d/run/x.sock");
    assert_slice(listeners[3].host, path);
    free(path);
    assert_slice(listeners[4].name, "front");
    assert_int_equal(listeners[4].place.line, 6);
    settings_destroy(settings);
}

static void reads_upstreams(void **state)
{
    struct files *files = *state;
    struct settings *settings =
        settings_of(files, "d/x.yaml",
                    "upstreams:\n"
                    "  one: http://Name.example\n"
                    "  list: [\"http://127.0.0.1:3000/\", { url: \"http://[::1]:3001\", weight: 256 }]\n"
                    "  long: { servers: http+unix:s.sock, connect_timeout: 1s, response_timeout: 2s, idle_timeout: 3s, "
                    "keep_alive: 0 }\n"
                    "routes:\n"
                    "  - proxy: http://127.0.0.1:3000\n"
                    "  - proxy: { to: list, strip: /api/, host: server }\n"
                    "  - proxy: http://127.0.0.1:3000\n"
                    "  - proxy: { to: http+unix:s.sock, strip: / }\n");
    struct upstream_settings *const *upstreams = settings->upstreams;
    assert_int_equal(settings->upstream_count, 5);
    for (size_t i = 0; i < 5; ++i)
        assert_int_equal(upstreams[i]->index, i);
    assert_slice(upstreams[0]->name, "one");
    assert_slice(upstreams[0]->servers[0].host, "Name.example");
    assert_int_equal(upstreams[0]->servers[0].port, 80);
    assert_int_equal(upstreams[0]->servers[0].weight, 1);
    assert_int_equal(upstreams[0]->connect_timeout_ms, 5000);
    assert_int_equal(upstreams[0]->response_timeout_ms, 60000);
    assert_int_equal(upstreams[0]->idle_timeout_ms, 60000);
    assert_int_equal(upstreams[0]->keep_alive_ms, 60000);
    assert_int_equal(upstreams[1]->server_count, 2);
    assert_slice(upstreams[1]->servers[0].url, "http://127.0.0.1:3000/");
    assert_slice(upstreams[1]->servers[1].host, "::1");
    assert_int_equal(upstreams[1]->servers[1].port, 3001);
    assert_int_equal(upstreams[1]->servers[1].weight, 256);
    char *path = file_absolute(files->folder, "d/s.sock");
    assert_true(upstreams[2]->servers[0].is_unix);
    assert_slice(upstreams[2]->servers[0].host, path);
    free(path);
    assert_int_equal(upstreams[2]->connect_timeout_ms, 1000);
    assert_int_equal(upstreams[2]->response_timeout_ms, 2000);
    assert_int_equal(upstreams[2]->idle_timeout_ms, 3000);
    assert_int_equal(upstreams[2]->keep_alive_ms, 0);
    assert_slice(upstreams[3]->name, "http://127.0.0.1:3000");
    const struct route_settings *routes = settings->routes;
    assert_ptr_equal(routes[0].upstream, upstreams[3]);
    assert_int_equal(routes[0].forward->host, HOST_KEEP);
    assert_int_equal(routes[0].forward->strip.length, 0);
    assert_ptr_equal(routes[1].upstream, upstreams[1]);
    assert_int_equal(routes[1].forward->host, HOST_SERVER);
    assert_slice(routes[1].forward->strip, "/api");
    assert_ptr_equal(routes[2].upstream, upstreams[3]);
    assert_slice(routes[3].forward->strip, "");
    settings_destroy(settings);
}

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

static void reads_patterns(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "listen: { address: 80, name: front }\nroutes:\n"
                    "  - { match: [/, /a, /a/, /a*, =/a, =/a/*, \"/a/*\", \"/..*\"], handler: hello }\n"
                    "  - match:\n"
                    "      listener: front\n"
                    "      host: [Example.COM., \"*.Example.com\", shop*, =a.b, \"[::1]\", \"*\"]\n"
                    "      method: GET\n"
                    "      headers: { X-A: [=x, y, ~, \"~\", \"\"], host: iam }\n"
                    "    handler: hello\n"
                    "  - { handler: hello, name: all }\n");
    const struct pattern *paths = settings->routes[0].match.paths.items;
    assert_int_equal(settings->routes[0].match.paths.count, 8);
    assert_pattern(&paths[0], PATTERN_PREFIX, "/");
    assert_pattern(&paths[1], PATTERN_SEGMENT, "/a");
    assert_pattern(&paths[2], PATTERN_PREFIX, "/a/");
    assert_pattern(&paths[3], PATTERN_PREFIX, "/a");
    assert_pattern(&paths[4], PATTERN_EXACT, "/a");
    assert_pattern(&paths[5], PATTERN_EXACT, "/a/*");
    assert_pattern(&paths[6], PATTERN_PREFIX, "/a/");
    assert_pattern(&paths[7], PATTERN_PREFIX, "/..");
    const struct match_settings *match = &settings->routes[1].match;
    assert_pattern(&match->listeners.items[0], PATTERN_EXACT, "front");
    assert_pattern(&match->hosts.items[0], PATTERN_EXACT, "example.com");
    assert_pattern(&match->hosts.items[1], PATTERN_SUFFIX, ".example.com");
    assert_pattern(&match->hosts.items[2], PATTERN_PREFIX, "shop");
    assert_pattern(&match->hosts.items[3], PATTERN_EXACT, "a.b");
    assert_pattern(&match->hosts.items[4], PATTERN_EXACT, "::1");
    assert_pattern(&match->hosts.items[5], PATTERN_PREFIX, "");
    assert_pattern(&match->methods.items[0], PATTERN_EXACT, "GET");
    assert_int_equal(match->header_count, 2);
    assert_slice(match->headers[0].name, "X-A");
    assert_pattern(&match->headers[0].values.items[0], PATTERN_EXACT, "x");
    assert_pattern(&match->headers[0].values.items[1], PATTERN_PREFIX, "y");
    assert_pattern(&match->headers[0].values.items[2], PATTERN_ABSENT, "");
    assert_pattern(&match->headers[0].values.items[3], PATTERN_PREFIX, "~");
    assert_pattern(&match->headers[0].values.items[4], PATTERN_PREFIX, "");
    assert_false(match->is_raw_target);
    assert_int_equal(settings->routes[2].match.paths.count, 0);
    assert_slice(settings->routes[2].name, "all");
    assert_slice(settings->routes[1].name, "x.yaml:4");
    settings_destroy(settings);
}

static void reads_steps(void **state)
{
    struct files *files = *state;
    files_write(files, "d/greet.so", "");
    files_write(files, "sub/own.so", "");
    files_write(files, "sub/y.yaml", "filters: [./own.so]\n");
    struct settings *settings = settings_of(files, "x.yaml",
                                            "libraries: { greet: d/greet.so, alias: { path: hello } }\n"
                                            "library_path: [libs, /usr/lib/x]\n"
                                            "filters:\n  - headers\n  - d/greet.so\n  - auth.basic\n"
                                            "  - { use: headers, on_error: open, options: { set: { a: b } } }\n"
                                            "  - headers: { set: { c: d } }\n  - echo:\n"
                                            "include: sub/y.yaml\n");
    assert_int_equal(settings->filter_count, 7);
    const struct step_settings *steps = settings->filters;
    assert_slice(steps[0].library, "headers");
    assert_slice(steps[0].filter, "");
    assert_false(steps[0].library_is_path);
    assert_null(steps[0].options);
    assert_int_equal(steps[0].on_error, ERROR_POLICY_CLOSED);
    char *path = file_absolute(files->folder, "d/greet.so");
    assert_true(steps[1].library_is_path);
    assert_slice(steps[1].library, path);
    assert_slice(steps[1].name, "d/greet.so");
    assert_slice(settings->libraries[0].path, path);
    free(path);
    assert_slice(steps[2].library, "auth");
    assert_slice(steps[2].filter, "basic");
    assert_slice(steps[2].name, "auth.basic");
    assert_int_equal(steps[3].on_error, ERROR_POLICY_OPEN);
    assert_non_null(node_find(steps[3].options, "set"));
    assert_slice(steps[4].name, "headers");
    assert_non_null(node_find(steps[4].options, "set"));
    assert_slice(steps[5].name, "echo");
    assert_null(steps[5].options);
    path = file_absolute(files->folder, "sub/own.so");
    assert_slice(steps[6].library, path);
    free(path);
    assert_slice(settings->libraries[1].name, "alias");
    assert_slice(settings->libraries[1].path, "hello");
    path = file_absolute(files->folder, "libs");
    assert_slice(settings->library_path[0].text, path);
    free(path);
    assert_slice(settings->library_path[1].text, "/usr/lib/x");
    settings_destroy(settings);
}

static void nests_routes_and_their_filters(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "filters: [a, b]\n"
                    "routes:\n"
                    "  - match: { host: x }\n"
                    "    filters: c\n"
                    "    skip: a\n"
                    "    routes:\n"
                    "      - { match: /y, filters: [d], skip: [c, b, a], handler: { use: echo, options: {} } }\n"
                    "      - routes: []\n");
    const struct route_settings *outer = &settings->routes[0];
    assert_int_equal(outer->target, TARGET_ROUTES);
    assert_int_equal(outer->filter_count, 1);
    assert_int_equal(outer->skip_count, 1);
    assert_int_equal(outer->route_count, 2);
    assert_int_equal(outer->routes[0].target, TARGET_HANDLER);
    assert_slice(outer->routes[0].handler.name, "echo");
    assert_int_equal(outer->routes[0].skip_count, 3);
    assert_slice(outer->routes[0].skip[1].text, "b");
    assert_slice(outer->routes[0].name, "x.yaml:7");
    assert_int_equal(outer->routes[1].route_count, 0);
    settings_destroy(settings);
}

static void an_aliased_route_may_keep_its_name(void **state)
{
    struct settings *settings = settings_of(*state, "x.yaml",
                                            "routes:\n"
                                            "  - { match: { host: a }, routes: &r [{ name: n, handler: echo }] }\n"
                                            "  - { match: { host: b }, routes: *r }\n");
    assert_slice(settings->routes[1].routes[0].name, "n");
    settings_destroy(settings);
}

static void reads_where_to_log(void **state)
{
    struct files *files = *state;
    struct settings *settings = settings_of(files, "d/x.yaml", "access_log: off\nuser: nobody\n");
    assert_int_equal(settings->access_log.length, 0);
    assert_slice(settings->user, "nobody");
    settings_destroy(settings);
    settings = settings_of(files, "d/x.yaml", "access_log: \"-\"\n");
    assert_slice(settings->access_log, "-");
    settings_destroy(settings);
    settings = settings_of(files, "d/x.yaml", "access_log: log/a\n");
    char *path = file_absolute(files->folder, "d/log/a");
    assert_slice(settings->access_log, path);
    free(path);
    settings_destroy(settings);
}

static void wants_the_library_that_is_missing(void **state)
{
    struct files *files = *state;
    assert_null(settings_try(files, "x.yaml", "filters: [./none.so]\n"));
    char *path = file_absolute(files->folder, "none.so");
    assert_string_equal(source_wanted(files->source)[0], path);
    free(path);
}

static void reads_the_same_from_a_snapshot(void **state)
{
    struct files *files = *state;
    char *snapshot = file_absolute(files->folder, "snapshot");
    files_write(files, "snapshot/x", "");
    files_write(files, "greet.so", "");
    files_write(files, "unused.so", "");
    files_write(files, "r/a.yaml", "[{ match: /a, handler: greet }]\n");
    files_write(files, "x.yaml",
                "libraries: { greet: ./greet.so, unused: ./unused.so }\n"
                "user: ${FLEXILIB_UNIT}\nroutes: [{ include: r/*.yaml }]\n");
    setenv("FLEXILIB_UNIT", "nobody", 1);
    struct source *live = source_create_live(snapshot);
    struct settings *settings = settings_load(live, "x.yaml", &files->error);
    assert_non_null(settings);
    settings_destroy(settings);
    source_destroy(live);

    files_write(files, "x.yaml", "broken: [");
    files_write(files, "r/b.yaml", "broken: [");
    assert_int_equal(unlink("unused.so"), 0);
    assert_int_equal(unlink("greet.so"), 0);
    setenv("FLEXILIB_UNIT", "root", 1);
    setenv("PORT", "99", 1);
    struct source *again = source_create_snapshot(snapshot);
    settings = settings_load(again, "x.yaml", &files->error);
    assert_non_null(settings);
    assert_slice(settings->user, "nobody");
    assert_int_equal(settings->route_count, 1);
    assert_int_equal(settings->listeners[0].port, 8069);
    settings_destroy(settings);
    source_destroy(again);
    free(snapshot);
}

static void reads_ten_thousand_routes(void **state)
{
    struct text text = TEXT_INIT;
    text_print(&text, "upstreams:\n");
    for (int i = 0; i < 10000; ++i)
        text_print(&text, "  u%d: http://127.0.0.1:3000\n", i);
    text_print(&text, "routes:\n");
    for (int i = 0; i < 10000; ++i)
        text_print(&text, "  - { name: r%d, match: /p%d, proxy: u%d }\n", i, i, 9999 - i);
    struct settings *settings = settings_of(*state, "x.yaml", text.data);
    assert_int_equal(settings->route_count, 10000);
    assert_slice(settings->routes[9999].upstream->name, "u0");
    settings_destroy(settings);
    text_finish(&text);
}

static void destroys_nothing_gladly(void **state)
{
    settings_destroy(NULL);
    source_destroy(NULL);
}

static int open_clean(void **state)
{
    return settings_clear_environment(state) + files_open(state);
}

#define SETTINGS_TEST(function) cmocka_unit_test_setup_teardown(function, open_clean, files_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(an_empty_file_has_defaults),
        SETTINGS_TEST(variables_speak_where_the_file_is_silent),
        SETTINGS_TEST(reads_listeners),
        SETTINGS_TEST(reads_upstreams),
        SETTINGS_TEST(every_upstream_has_defaults),
        SETTINGS_TEST(reads_how_servers_are_chosen),
        SETTINGS_TEST(reads_how_failures_are_met),
        SETTINGS_TEST(reads_how_requests_are_rewritten),
        SETTINGS_TEST(reads_whom_to_trust),
        SETTINGS_TEST(reads_error_pages),
        SETTINGS_TEST(reads_patterns),
        SETTINGS_TEST(reads_steps),
        SETTINGS_TEST(nests_routes_and_their_filters),
        SETTINGS_TEST(an_aliased_route_may_keep_its_name),
        SETTINGS_TEST(reads_where_to_log),
        SETTINGS_TEST(wants_the_library_that_is_missing),
        SETTINGS_TEST(reads_the_same_from_a_snapshot),
        SETTINGS_TEST(reads_ten_thousand_routes),
        cmocka_unit_test(destroys_nothing_gladly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
