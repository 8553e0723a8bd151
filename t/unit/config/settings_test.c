#include "config/settings.h"

#include "settings_files.h"

static void a_file_that_says_little_has_defaults(void **state)
{
    struct settings *settings = settings_of(*state, "x.yaml", "routes: []\n");
    assert_int_equal(settings->style, SETTINGS_YAML);
    assert_string_equal(settings->path, "x.yaml");
    assert_string_equal(settings->folder, ((struct files *)*state)->folder);
    assert_int_equal(settings->listener_count, 1);
    assert_slice(settings->listeners[0].host, "0.0.0.0");
    assert_int_equal(settings->listeners[0].port, 8069);
    assert_int_equal(settings->workers, 0);
    assert_int_equal(settings->route_count, 0);
    assert_slice(settings->access_log.path, "-");
    assert_int_equal(settings->user.length, 0);
    assert_int_equal(settings->body_limit_bytes, 16 << 20);
    assert_int_equal(settings->head_limit_bytes, 64 << 10);
    assert_int_equal(settings->header_limit, 100);
    assert_int_equal(settings->header_timeout_ms, 30000);
    assert_int_equal(settings->body_timeout_ms, 60000);
    assert_int_equal(settings->keep_alive_timeout_ms, 75000);
    assert_int_equal(settings->write_timeout_ms, 60000);
    assert_int_equal(settings->handler_timeout_ms, 60000);
    assert_int_equal(settings->create_timeout_ms, 10000);
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
    struct settings *settings = settings_of(*state, "x.yaml", "routes: []\n");
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
    settings = settings_of(*state, "x.yaml", "routes: []\n");
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

static void reads_what_isolated_libraries_may_take(void **state)
{
    struct settings *settings =
        settings_of(*state, "x.yaml",
                    "libraries:\n"
                    "  usual: { path: hello, isolate: process }\n"
                    "  own: { path: hello, isolate: process, instances: 3, memory: 2MB, nice: 4, call_timeout: 5s,\n"
                    "         call_cpu_time: 5s }\n"
                    "filters: [own.hello, { use: echo, isolate: process }]\n");
    assert_int_equal(settings->runner_count, 3);
    const struct runner_settings *usual = settings->runners[0], *own = settings->runners[1];
    assert_slice(usual->name, "usual");
    assert_int_equal(usual->call_timeout_ms, 10000);
    assert_int_equal(usual->call_cpu_time_ms, 0);
    assert_int_equal(own->instances, 3);
    assert_int_equal(own->memory_bytes, 2 << 20);
    assert_int_equal(own->nice, 4);
    assert_int_equal(own->call_timeout_ms, 5000);
    assert_int_equal(own->call_cpu_time_ms, 5000);
    assert_int_equal(settings->runners[2]->call_cpu_time_ms, 0);
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
    assert_int_equal(settings->access_log.path.length, 0);
    assert_slice(settings->user, "nobody");
    settings_destroy(settings);
    settings = settings_of(files, "d/x.yaml", "access_log: \"-\"\n");
    assert_slice(settings->access_log.path, "-");
    settings_destroy(settings);
    settings = settings_of(files, "d/x.yaml", "access_log: log/a\n");
    char *path = file_absolute(files->folder, "d/log/a");
    assert_slice(settings->access_log.path, path);
    free(path);
    settings_destroy(settings);
}

static void wants_the_library_that_is_missing(void **state)
{
    struct files *files = *state;
    assert_null(settings_try(files, "x.yaml", "filters: [./none.so]\n"));
    char *path = file_absolute(files->folder, "none.so");
    assert_missing(files->source, WATCH_LIBRARY, path);
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
        SETTINGS_TEST(a_file_that_says_little_has_defaults),
        SETTINGS_TEST(variables_speak_where_the_file_is_silent),
        SETTINGS_TEST(reads_listeners),
        SETTINGS_TEST(reads_upstreams),
        SETTINGS_TEST(reads_patterns),
        SETTINGS_TEST(reads_steps),
        SETTINGS_TEST(reads_what_isolated_libraries_may_take),
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
