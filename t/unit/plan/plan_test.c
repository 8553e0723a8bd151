#include "plan/plan.h"

#include "../config/sights.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Every test has an empty folder of its own as current folder, and the libraries of the build beside this program. */

struct fixture {
    char folder[64];
    char *bundled_folder;
    char *test_folder; /* the libraries for tests */
    struct source *source;
    struct settings *settings;
    struct runtime *runtime;
    struct plan *plan;
    struct error error;
    struct text log;
};

static void wake(void *context)
{
    (void)context;
}

static const struct runtime_services services = {.wake = wake};

static char *folder_of_build(const char *name)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    assert_true(length > 0);
    program[length] = '\0';
    char *unit = file_folder(program);
    char *build = file_folder(unit);
    char *folder = file_absolute(build, name);
    free(unit);
    free(build);
    return folder;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/flexilib-plan-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL || chdir(fixture->folder) != 0)
        return -1;
    fixture->bundled_folder = folder_of_build("filters");
    fixture->test_folder = folder_of_build("t/lib");
    fixture->runtime = runtime_create(&services, NULL, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plan_destroy(fixture->plan);
    settings_destroy(fixture->settings);
    source_destroy(fixture->source);
    runtime_destroy(fixture->runtime);
    text_finish(&fixture->log);
    free(fixture->bundled_folder);
    free(fixture->test_folder);
    bool is_clean = chdir("/") == 0 && file_remove_tree(fixture->folder);
    free(fixture);
    return is_clean ? 0 : -1;
}

/* Replaces {bundled}, {tests} and {folder} by where they are. */
static char *fill_in(const struct fixture *fixture, const char *template)
{
    const char *const names[] = {"{bundled}", "{tests}", "{folder}"};
    const char *const values[] = {fixture->bundled_folder, fixture->test_folder, fixture->folder};
    struct text out = TEXT_INIT;
    while (*template != '\0') {
        size_t i = 0;
        while (i < 3 && strncmp(template, names[i], strlen(names[i])) != 0)
            ++i;
        if (i < 3) {
            text_add(&out, slice_from_text(values[i]));
            template += strlen(names[i]);
        } else {
            text_add_char(&out, *template ++);
        }
    }
    return out.data;
}

static void put_file(const char *path, const char *content)
{
    assert_true(file_write(path, slice_from_text(content), 0600));
}

/* Makes standard error go to a file; what it was is returned. */
static int divert_log(void)
{
    int saved = dup(STDERR_FILENO);
    int file = open("log", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(saved >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    close(file);
    return saved;
}

static void restore_log(struct fixture *fixture, int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    text_clear(&fixture->log);
    text_add(&fixture->log, SLICE(""));
    assert_true(file_read("log", 1 << 20, &fixture->log));
}

/* Builds the plan of a configuration; what it logs is in fixture->log. Returns whether it could be built. */
static bool build(struct fixture *fixture, const char *name, const char *template)
{
    char *content = fill_in(fixture, template);
    put_file(name, content);
    free(content);
    fixture->source = source_create_live(NULL);
    fixture->settings = settings_load(fixture->source, name, &fixture->error);
    if (fixture->settings == NULL)
        return false;
    int saved = divert_log();
    fixture->plan =
        plan_build(fixture->settings, fixture->source, fixture->runtime, fixture->bundled_folder, &fixture->error);
    restore_log(fixture, saved);
    assert_true((fixture->plan == NULL) == fixture->error.is_set);
    return fixture->plan != NULL;
}

static void assert_builds(struct fixture *fixture, const char *name, const char *template)
{
    if (build(fixture, name, template))
        return;
    struct text message = TEXT_INIT;
    error_describe(&fixture->error, &message);
    fail_msg("%s", message.data);
}

static const struct plan_route *find(const struct fixture *fixture, const char *host, const char *path)
{
    struct request_head head = {
        .method = SLICE("GET"),
        .authority = slice_from_text(host),
        .path = slice_from_text(path),
        .raw_target = slice_from_text(path),
    };
    return plan_find(fixture->plan, &head, SLICE_NONE);
}

/* The names of a route's filters, as "a b c". */
static void assert_chain(const struct plan_route *route, const char *expected)
{
    struct text names = TEXT_INIT;
    text_add(&names, SLICE(""));
    for (size_t i = 0; i < route->chain.count; ++i) {
        struct slice name = use_name(route->chain.uses[i]);
        text_print(&names, "%s%.*s", i == 0 ? "" : " ", SLICE_ARG(name));
    }
    assert_string_equal(names.data, expected);
    text_finish(&names);
}

static const char chains[] = "libraries:\n"
                             "  one: { path: \"{tests}/lifetime.so\" }\n"
                             "  two: { path: \"{tests}/lifetime.so\" }\n"
                             "  three: { path: \"{tests}/lifetime.so\" }\n"
                             "filters: [{ one: { name: global } }]\n"
                             "routes:\n"
                             "  - match: { host: example.com }\n"
                             "    filters: [{ two: { name: outer } }]\n"
                             "    routes:\n"
                             "      - { match: /hello, handler: hello }\n"
                             "      - { match: /plain, skip: [one, two], handler: hello }\n"
                             "      - match: /deep\n"
                             "        skip: [one]\n"
                             "        filters: [{ three: { name: inner } }]\n"
                             "        routes:\n"
                             "          - { match: /deep/a, name: deep-a, proxy: \"http://127.0.0.1:3000\" }\n"
                             "          - { match: /deep/b, skip: [three], handler: echo }\n"
                             "  - { match: /hello, proxy: { to: \"http://127.0.0.1:3001\", strip: /hello } }\n";

static void routes_inherit_chains_and_matches(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "flexilib.yaml", chains);
    assert_chain(find(fixture, "example.com", "/hello"), "one two hello");
    assert_chain(find(fixture, "example.com", "/plain/x"), "hello");
    assert_chain(find(fixture, "example.com", "/deep/a"), "two three");
    assert_chain(find(fixture, "example.com", "/deep/b"), "two echo");
    assert_chain(find(fixture, "other", "/hello"), "one");
    assert_chain(find(fixture, "other", "/"), "one");
    assert_string_equal(fixture->log.data, "info: filter 'one': created global\n"
                                           "info: filter 'two': created outer\n"
                                           "info: filter 'three': created inner\n");
}

static void each_route_knows_its_target(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "flexilib.yaml", chains);
    const struct plan_route *handler = find(fixture, "example.com", "/hello");
    assert_int_equal(handler->target, PLAN_HANDLER);
    assert_true(handler->chain.ends_in_handler);
    const struct plan_route *proxy = find(fixture, "example.com", "/deep/a");
    assert_int_equal(proxy->target, PLAN_PROXY);
    assert_false(proxy->chain.ends_in_handler);
    assert_int_equal(proxy->upstream->servers[0].port, 3000);
    assert_true(slice_equals(proxy->name, SLICE("deep-a")));
    const struct plan_route *stripped = find(fixture, "other", "/hello/x");
    assert_int_equal(stripped->upstream->servers[0].port, 3001);
    assert_true(slice_equals(stripped->forward->strip, SLICE("/hello")));
    assert_int_equal(stripped->forward->host, HOST_KEEP);
    const struct plan_route *nothing = find(fixture, "example.com", "/deep/c");
    assert_int_equal(nothing->target, PLAN_NOTHING);
    assert_false(nothing->chain.ends_in_handler);
    assert_ptr_equal(find(fixture, "", "/none"), nothing);
}

static void a_step_is_one_use_in_all_chains(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "flexilib.yaml", chains);
    const struct plan_route *hello = find(fixture, "example.com", "/hello");
    const struct plan_route *deep_a = find(fixture, "example.com", "/deep/a");
    const struct plan_route *nothing = find(fixture, "other", "/");
    assert_ptr_equal(hello->chain.uses[0], nothing->chain.uses[0]);
    assert_ptr_equal(hello->chain.uses[1], deep_a->chain.uses[0]);
    assert_ptr_not_equal(hello->chain.uses[2], find(fixture, "example.com", "/plain")->chain.uses[0]);
}

static void uses_are_destroyed_last_made_first(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "flexilib.yaml", chains);
    int saved = divert_log();
    plan_destroy(fixture->plan);
    fixture->plan = NULL;
    restore_log(fixture, saved);
    assert_string_equal(fixture->log.data, "info: filter 'three': destroyed inner\n"
                                           "info: filter 'two': destroyed outer\n"
                                           "info: filter 'one': destroyed global\n");
}

static void what_was_created_is_destroyed_when_a_later_step_fails(void **state)
{
    struct fixture *fixture = *state;
    assert_false(build(fixture, "flexilib.yaml",
                       "libraries: { one: { path: \"{tests}/lifetime.so\" } }\n"
                       "filters: [{ one: { name: first } }]\n"
                       "routes: [{ match: /, handler: nowhere }]\n"));
    assert_string_equal(fixture->log.data, "info: filter 'one': created first\n"
                                           "info: filter 'one': destroyed first\n");
}

/* One route with the handler or filters given, and the whole line of the error. */
struct error_case {
    const char *config;
    const char *message;
};

#define ROUTES(handler) "routes:\n  - { match: /, handler: " handler " }\n"

static const struct error_case error_cases[] = {
    {ROUTES("helo"), "flexilib.yaml:2:26: there is no library 'helo': it is not under 'libraries', and there is no "
                     "'helo.so' in '{bundled}' (did you mean 'hello'?)"},
    {"library_path: [/nowhere/a, b]\n" ROUTES("quux"),
     "flexilib.yaml:3:26: there is no library 'quux': it is not under 'libraries', and there is no 'quux.so' in "
     "'{bundled}' or '/nowhere/a' or '{folder}/b'"},
    {"libraries: { shopping: { path: \"{bundled}/hello.so\" } }\n" ROUTES("shoping"),
     "flexilib.yaml:3:26: there is no library 'shoping': it is not under 'libraries', and there is no 'shoping.so' in "
     "'{bundled}' (did you mean 'shopping'?)"},
    {"libraries:\n  unused: { path: gone }\n" ROUTES("hello"),
     "flexilib.yaml:2:3: there is no library 'gone': it is not under 'libraries', and there is no 'gone.so' in "
     "'{bundled}'"},
    {ROUTES("\"{tests}/many.so\""), NULL},
    {ROUTES("./garbage.so"), NULL},
    {ROUTES("{ use: hello, options: { greting: hi } }"), NULL},
};

static void errors_tell_the_place_and_what_would_be_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); ++i) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        struct fixture *fixture = fresh;
        put_file("garbage.so", "not a library");
        if (build(fixture, "flexilib.yaml", error_cases[i].config))
            fail_msg("case %zu was accepted", i);
        struct text line = TEXT_INIT;
        error_describe_line(&fixture->error, &line);
        if (error_cases[i].message != NULL) {
            char *expected = fill_in(fixture, error_cases[i].message);
            assert_string_equal(line.data, expected);
            free(expected);
        } else {
            /* the sentence is another layer's; the place is the step's */
            assert_memory_equal(line.data, "flexilib.yaml:2:", strlen("flexilib.yaml:2:"));
        }
        text_finish(&line);
        assert_int_equal(tear_down(&fresh), 0);
    }
}

static void an_unused_library_is_not_loaded(void **state)
{
    struct fixture *fixture = *state;
    put_file("garbage.so", "not a library");
    assert_builds(fixture, "flexilib.yaml", "libraries: { unused: { path: ./garbage.so } }\n" ROUTES("hello"));
}

static void bare_names_are_found_in_the_library_path_after_the_bundled_ones(void **state)
{
    struct fixture *fixture = *state;
    put_file("own/hello.so", "not a library");
    assert_builds(fixture, "flexilib.yaml",
                  "library_path: [./own, \"{tests}\"]\n"
                  "routes:\n"
                  "  - match: /\n"
                  "    filters: [{ lifetime: { name: found } }]\n"
                  "    handler: hello\n");
    assert_chain(find(fixture, "", "/"), "lifetime hello");
}

static void a_route_that_cannot_match_is_warned_of(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "flexilib.yaml",
                  "routes:\n"
                  "  - { match: /a, name: first, handler: hello }\n"
                  "  - { match: { host: h, path: /a/b }, name: second, handler: hello }\n"
                  "  - { match: /b, handler: hello }\n"
                  "  - match: { host: h }\n"
                  "    routes:\n"
                  "      - { match: =/b/c, handler: hello }\n"
                  "      - { match: /c, handler: hello }\n");
    assert_string_equal(fixture->log.data,
                        "warning: flexilib.yaml:3:5: route 'second' can never match: route 'first' (flexilib.yaml:2) "
                        "takes all its requests\n"
                        "warning: flexilib.yaml:7:9: route 'flexilib.yaml:7' can never match: route 'flexilib.yaml:4' "
                        "(flexilib.yaml:4) takes all its requests\n");
}

static void many_routes_that_cannot_match_are_summed_up(void **state)
{
    struct fixture *fixture = *state;
    struct text config = TEXT_INIT;
    text_print(&config, "routes:\n");
    for (int i = 0; i < 24; ++i)
        text_print(&config, "  - { match: /, handler: hello }\n");
    assert_builds(fixture, "flexilib.yaml", config.data);
    text_finish(&config);
    const char *last = strstr(fixture->log.data, "more routes");
    assert_non_null(last);
    assert_string_equal(last - 2, "3 more routes can never match\n");
}

static void proxy_ini_waits_for_a_missing_library(void **state)
{
    struct fixture *fixture = *state;
    assert_builds(fixture, "proxy.ini", "/a = ./gone.so\n/b = {bundled}/hello.so\n");
    assert_int_equal(find(fixture, "", "/a?x")->target, PLAN_MISSING);
    assert_int_equal(find(fixture, "", "/a?x")->chain.count, 0);
    assert_int_equal(find(fixture, "", "/b%zz")->target, PLAN_HANDLER);
    assert_int_equal(find(fixture, "", "/c")->target, PLAN_NOTHING);
    assert_non_null(strstr(fixture->log.data, "warning: proxy.ini:1:6: library './gone.so' is missing: its route "
                                              "answers 500 until it appears\n"));
    char *expected = fill_in(fixture, "{folder}/gone.so");
    assert_missing(fixture->source, WATCH_LIBRARY, expected);
    free(expected);
}

static void a_bare_name_is_waited_for_where_it_was_looked_up(void **state)
{
    struct fixture *fixture = *state;
    assert_false(build(fixture, "flexilib.yaml", "routes: [{ handler: nowhere }]\n"));
    char *expected = fill_in(fixture, "{bundled}/nowhere.so");
    assert_missing(fixture->source, WATCH_LIBRARY, expected);
    free(expected);
}

static void proxy_ini_refuses_a_broken_library(void **state)
{
    struct fixture *fixture = *state;
    put_file("garbage.so", "not a library");
    assert_false(build(fixture, "proxy.ini", "/a = ./garbage.so\n"));
    assert_int_equal(fixture->error.line, 1);
    assert_string_equal(fixture->error.path, "proxy.ini");
}

static void a_plan_is_built_alike_from_its_snapshot(void **state)
{
    struct fixture *fixture = *state;
    char *snapshot = fill_in(fixture, "{folder}/snapshot");
    put_file("snapshot/x", "");
    put_file("proxy.ini", "/a = ./gone.so\n/b = hello.so\n");
    struct text library = TEXT_INIT;
    char *bundled = fill_in(fixture, "{bundled}/hello.so");
    assert_true(file_read(bundled, 1 << 30, &library));
    assert_true(file_write("hello.so", text_slice(&library), 0700));
    for (int round = 0; round < 2; ++round) {
        fixture->source = round == 0 ? source_create_live(snapshot) : source_create_snapshot(snapshot);
        fixture->settings = settings_load(fixture->source, "proxy.ini", &fixture->error);
        assert_non_null(fixture->settings);
        int saved = divert_log();
        fixture->plan =
            plan_build(fixture->settings, fixture->source, fixture->runtime, fixture->bundled_folder, &fixture->error);
        restore_log(fixture, saved);
        assert_non_null(fixture->plan);
        assert_int_equal(find(fixture, "", "/a")->target, PLAN_MISSING);
        assert_int_equal(find(fixture, "", "/b")->target, PLAN_HANDLER);
        plan_destroy(fixture->plan);
        settings_destroy(fixture->settings);
        source_destroy(fixture->source);
        /* what happens to the files later must not matter to the second round */
        put_file("gone.so", "now it is there");
        put_file("hello.so", "and this one is broken");
    }
    fixture->plan = NULL;
    fixture->settings = NULL;
    fixture->source = NULL;
    text_finish(&library);
    free(bundled);
    free(snapshot);
}

static void assert_pages(const struct plan_route *route, const char *expected)
{
    struct text pages = TEXT_INIT;
    text_add(&pages, SLICE(""));
    for (size_t i = 0; i < route->error_pages->count; ++i) {
        const struct error_page *page = &route->error_pages->items[i];
        text_print(&pages, "%s%u=%.*s", i == 0 ? "" : " ", page->statuses.first, SLICE_ARG(page->content));
    }
    assert_string_equal(pages.data, expected);
    text_finish(&pages);
}

static void error_pages_of_inner_routes_come_first(void **state)
{
    struct fixture *fixture = *state;
    put_file("a", "a");
    put_file("b", "b");
    put_file("c", "c");
    assert_builds(fixture, "x.yaml",
                  "error_pages: { 404: a, 5xx: a }\n"
                  "routes:\n"
                  "  - match: /in\n    error_pages: { 404: b }\n    routes:\n"
                  "      - { match: /in/side, error_pages: { 502: c, 4xx: c }, respond: 204 }\n"
                  "      - { match: /in/plain, error_pages: {}, respond: 204 }\n"
                  "  - { match: /out, respond: 204 }\n");
    assert_pages(find(fixture, "h", "/in/side"), "502=c 400=c 404=b 404=a 500=a");
    assert_pages(find(fixture, "h", "/in/plain"), "404=b 404=a 500=a");
    assert_pages(find(fixture, "h", "/out"), "404=a 500=a");
    assert_pages(find(fixture, "h", "/nowhere"), "404=a 500=a");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(routes_inherit_chains_and_matches),
        TEST(each_route_knows_its_target),
        TEST(error_pages_of_inner_routes_come_first),
        TEST(a_step_is_one_use_in_all_chains),
        TEST(uses_are_destroyed_last_made_first),
        TEST(what_was_created_is_destroyed_when_a_later_step_fails),
        cmocka_unit_test(errors_tell_the_place_and_what_would_be_right),
        TEST(an_unused_library_is_not_loaded),
        TEST(bare_names_are_found_in_the_library_path_after_the_bundled_ones),
        TEST(a_route_that_cannot_match_is_warned_of),
        TEST(many_routes_that_cannot_match_are_summed_up),
        TEST(proxy_ini_waits_for_a_missing_library),
        TEST(a_bare_name_is_waited_for_where_it_was_looked_up),
        TEST(proxy_ini_refuses_a_broken_library),
        TEST(a_plan_is_built_alike_from_its_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
