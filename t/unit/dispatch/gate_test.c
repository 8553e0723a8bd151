#include "dispatch/gate.h"

#include "files/fixed_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct listener_settings plain = {.is_https_only = true}, excepted = {.is_https_only = false},
                                      socket_file = {.is_https_only = true, .is_unix = true};

static struct exchange ask(const char *scheme, const char *path)
{
    struct exchange exchange = {.request = {.method = SLICE("GET"),
                                            .scheme = slice_from_text(scheme),
                                            .authority = SLICE("shop.example:80"),
                                            .path = slice_from_text(path)}};
    return exchange;
}

static void expect_way(const struct gate *gate, const struct listener_settings *listener, bool is_told_scheme,
                       const char *wanted)
{
    struct exchange exchange = ask("http", "/x");
    const struct plan_route *route = gate_find(gate, &exchange, listener, is_told_scheme);
    if (wanted == NULL) {
        assert_null(route);
        return;
    }
    struct arena arena;
    arena_init(&arena, 0);
    assert_non_null(route);
    assert_int_equal(route->target, PLAN_REDIRECT);
    assert_int_equal(route->redirect->status, 308);
    assert_int_equal(route->chain.count, 0);
    assert_true(slice_equals(redirect_location(route->redirect, &exchange.request, &arena), slice_from_text(wanted)));
    arena_finish(&arena);
}

static void test_the_usual_port_goes_first(void **state)
{
    struct settings settings = {.https_only = {.is_on = true}};
    struct gate *gate = gate_create(&settings);
    expect_way(gate, &plain, false, "https://shop.example/x");
    gate_note_https(gate, 8443);
    expect_way(gate, &plain, false, "https://shop.example:8443/x");
    gate_note_https(gate, 9443);
    expect_way(gate, &plain, false, "https://shop.example:8443/x");
    gate_note_https(gate, 443);
    expect_way(gate, &plain, false, "https://shop.example/x");
    gate_note_https(gate, 65535);
    expect_way(gate, &plain, false, "https://shop.example/x");
    gate_destroy(gate);
}

static void test_a_proxy_has_ports_of_its_own(void **state)
{
    struct settings settings = {.https_only = {.is_on = true}};
    struct gate *gate = gate_create(&settings);
    gate_note_https(gate, 8443);
    expect_way(gate, &plain, true, "https://shop.example/x");
    expect_way(gate, &socket_file, true, "https://shop.example/x");
    expect_way(gate, &socket_file, false, NULL);
    expect_way(gate, &excepted, true, NULL);
    expect_way(gate, &excepted, false, NULL);
    gate_destroy(gate);
}

static void test_the_port_that_is_written_counts(void **state)
{
    struct settings settings = {.https_only = {.is_on = true, .port = 65535}};
    struct gate *gate = gate_create(&settings);
    gate_note_https(gate, 443);
    expect_way(gate, &plain, false, "https://shop.example:65535/x");
    expect_way(gate, &plain, true, "https://shop.example:65535/x");
    gate_destroy(gate);
}

static void test_nothing_stands_in_the_way_where_nothing_is_set(void **state)
{
    struct settings settings = {0};
    struct gate *gate = gate_create(&settings);
    struct exchange challenge = ask("http", "/.well-known/acme-challenge/abc");
    expect_way(gate, &plain, false, NULL);
    assert_null(gate_find(gate, &challenge, &plain, false));
    gate_destroy(gate);
    gate_destroy(NULL);
}

static void test_tokens_are_judged_by_their_characters(void **state)
{
    static const char *const good[] = {"a", "abc", "-_", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"};
    static const char *const bad[] = {"", "a.b", "a/b", "a/", ".", "..", "a%20", "a+b", "a=", "\xc3\xbc", "a b", "~"};
    struct settings settings = {.acme_challenges = "/nowhere", .https_only = {.is_on = true}};
    struct gate *gate = gate_create(&settings);
    char path[256];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]) + sizeof(bad) / sizeof(bad[0]); ++i) {
        bool is_good = i < sizeof(good) / sizeof(good[0]);
        snprintf(path, sizeof(path), "/.well-known/acme-challenge/%s",
                 is_good ? good[i] : bad[i - sizeof(good) / sizeof(good[0])]);
        struct exchange exchange = ask("http", path);
        assert_int_equal(gate_find(gate, &exchange, &plain, false)->target, is_good ? PLAN_FILES : PLAN_RESPOND);
    }
    struct exchange folder = ask("https", "/.well-known/acme-challenge"), other = ask("https", "/.well-known/acme");
    assert_int_equal(gate_find(gate, &folder, &plain, false)->target, PLAN_RESPOND);
    assert_null(gate_find(gate, &other, &plain, false));
    gate_destroy(gate);
}

static size_t count_marks(const struct settings *settings, const char *scheme, const char *own)
{
    struct gate *gate = gate_create(settings);
    struct exchange exchange = ask(scheme, "/");
    struct slice name = SLICE("Strict-Transport-Security");
    arena_init(&exchange.arena, 0);
    if (own != NULL)
        headers_add(&exchange.response.headers, &exchange.arena, name, slice_from_text(own));
    gate_mark(gate, &exchange);
    size_t count = exchange.response.headers.count;
    const struct header *field = headers_find(&exchange.response.headers, name);
    if (count != 0)
        assert_true(slice_equals(field->value, own != NULL ? slice_from_text(own) : settings->https_only.hsts));
    arena_finish(&exchange.arena);
    gate_destroy(gate);
    return count;
}

static void test_https_alone_is_told_of_hsts(void **state)
{
    struct settings silent = {.https_only = {.is_on = true}};
    struct settings telling = {.https_only = {.is_on = true, .hsts = SLICE("max-age=5")}};
    assert_int_equal(count_marks(&telling, "https", NULL), 1);
    assert_int_equal(count_marks(&telling, "http", NULL), 0);
    assert_int_equal(count_marks(&telling, "https", "max-age=0"), 1);
    assert_int_equal(count_marks(&silent, "https", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_usual_port_goes_first),
        cmocka_unit_test(test_a_proxy_has_ports_of_its_own),
        cmocka_unit_test(test_the_port_that_is_written_counts),
        cmocka_unit_test(test_nothing_stands_in_the_way_where_nothing_is_set),
        cmocka_unit_test(test_tokens_are_judged_by_their_characters),
        cmocka_unit_test(test_https_alone_is_told_of_hsts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
