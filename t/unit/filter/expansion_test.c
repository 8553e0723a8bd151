#include "filter/expansion.h"

#include "filter/exchange_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct scene {
    struct exchange exchange;
    struct exchange_state state;
    struct arena arena;
    struct expansion expansion;
};

static void add_field(struct scene *scene, const char *name, const char *value)
{
    headers_add(&scene->exchange.request.headers, &scene->arena, slice_from_text(name), slice_from_text(value));
}

static int open_scene(void **state)
{
    static struct scene scene;
    scene = (struct scene){0};
    arena_init(&scene.arena, 0);
    scene.exchange = (struct exchange){
        .state = &scene.state,
        .request = {.method = SLICE("GET"),
                    .scheme = SLICE("https"),
                    .authority = SLICE("Shop.Example:8443"),
                    .path = SLICE("/a/b"),
                    .query = SLICE("q=1&name=J%c3%b6rg+M"),
                    .has_query = true,
                    .raw_target = SLICE("/a/./b?q=1&name=J%c3%b6rg+M"),
                    .minor_version = 1},
        .peer_address = SLICE("2001:db8:1:2:3:4:5:6"),
        .peer_port = 4711,
        .route_name = SLICE("shop"),
        .id = SLICE("0123456789abcdef"),
    };
    scene.expansion = (struct expansion){.exchange = &scene.exchange, .arena = &scene.arena};
    add_field(&scene, "User-Agent", "curl");
    add_field(&scene, "Cookie", "a=1; session=\"x y\"; b=2");
    add_field(&scene, "X-Two", "one");
    add_field(&scene, "x-two", "two");
    *state = &scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    arena_finish(&scene->arena);
    return 0;
}

static struct slice expand(struct scene *scene, const char *text)
{
    struct node node = {.kind = NODE_SCALAR, .text = slice_from_text(text)};
    struct error error = ERROR_INIT;
    const struct template *template = template_read(&node, &scene->arena, &error);
    assert_string_equal(error.message, "");
    return expansion_text(&scene->expansion, template);
}

static void expect(struct scene *scene, const char *text, const char *expected)
{
    struct slice said = expand(scene, text);
    char copy[1024];
    assert_true(said.length < sizeof(copy));
    snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(said));
    assert_string_equal(copy, expected);
    assert_int_equal(said.length, strlen(expected));
}

static void says_what_the_request_is(void **state)
{
    struct scene *scene = *state;
    expect(scene, "", "");
    expect(scene, "{{plain}}", "{plain}");
    expect(scene, "{method} {scheme} {host} {port} {path} {query}",
           "GET https shop.example 8443 /a/b q=1&name=J%c3%b6rg+M");
    expect(scene, "{uri}", "/a/b?q=1&name=J%c3%b6rg+M");
    expect(scene, "{request.line}|", "GET /a/./b?q=1&name=J%c3%b6rg+M HTTP/1.1|");
    expect(scene, "{request.target}", "/a/./b?q=1&name=J%c3%b6rg+M");
    expect(scene, "{request.id} {route} {protocol}", "0123456789abcdef shop HTTP/1.1");
    expect(scene, "{header.user-agent}/{header.x-two}/{header.x-none}", "curl/one, two/");
    expect(scene, "{header.HOST}", "Shop.Example:8443");
    expect(scene, "{cookie.session}{cookie.none}{cookie.b}", "x y2");
    expect(scene, "{client.address} {client.port}", "2001:db8:1:2:3:4:5:6 4711");
    expect(scene, "{client.network}", "2001:db8:1:2::/64");
    expect(scene, "{request.bytes}", "0");
    assert_int_equal(expand(scene, "{trace.id}").length, 32);
    assert_true(slice_equals(expand(scene, "{trace.id}"), expand(scene, "{trace.id}")));
    scene->exchange.peer_address = SLICE("192.0.2.7");
    scene->exchange.request.has_query = false;
    scene->exchange.request.minor_version = 0;
    expect(scene, "{client.network} {uri} {protocol}", "192.0.2.7 /a/b HTTP/1.0");
    scene->exchange.request.is_http2 = true;
    expect(scene, "{protocol}", "HTTP/2.0");
}

static void many_fields_of_a_name_cost_little(void **state)
{
    enum {
        FIELD_COUNT = 100,
        FIELD_BYTES = 600,
    };
    static char value[FIELD_BYTES];
    struct scene *scene = *state;
    memset(value, 'x', sizeof(value));
    for (size_t i = 0; i < FIELD_COUNT; ++i)
        headers_add(&scene->exchange.request.headers, &scene->arena, SLICE("x-many"), slice_of(value, sizeof(value)));
    size_t before = scene->arena.taken_bytes;
    assert_int_equal(expand(scene, "{header.x-many}").length, FIELD_COUNT * (FIELD_BYTES + 2) - 2);
    assert_true(scene->arena.taken_bytes - before < 2 * FIELD_COUNT * FIELD_BYTES);
}

static void hosts_and_ports_are_taken_apart(void **state)
{
    static const char *const rows[][4] = {
        {"a.example", "http", "a.example", "80"},
        {"a.example", "https", "a.example", "443"},
        {"A.example:1", "http", "a.example", "1"},
        {"[::1]:8080", "http", "[::1]", "8080"},
        {"[2001:DB8::1]", "http", "[2001:db8::1]", "80"},
        {"a.example:", "http", "a.example", "80"},
        {"", "http", "", "80"},
        {"127.0.0.1", "http", "127.0.0.1", "80"},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        scene->exchange.request.authority = slice_from_text(rows[i][0]);
        scene->exchange.request.scheme = slice_from_text(rows[i][1]);
        expect(scene, "{host}", rows[i][2]);
        expect(scene, "{port}", rows[i][3]);
    }
    scene->exchange.request.client_authority = SLICE("outside.example:81");
    expect(scene, "{host}:{port}", "outside.example:81");
    scene->exchange.request.has_new_authority = true;
    expect(scene, "{host}:{port}", "127.0.0.1:80");
}

static void parameters_are_decoded(void **state)
{
    static const char *const rows[][3] = {
        {"name=J%c3%b6rg+M", "name", "J\xc3\xb6rg M"},
        {"a=1&b=2&b=3", "b", "2"},
        {"a=1&&b", "b", ""},
        {"b=&b=2", "b", ""},
        {"%62=x", "b", "x"},
        {"a+b=x", "a b", "x"},
        {"ab=x", "a", ""},
        {"a=x", "ab", ""},
        {"a=b=c", "a", "b=c"},
        {"a=%zz%4", "a", "%zz%4"},
        {"a=x%0d%0ay", "a", ""},
        {"a=x%00", "a", ""},
        {"a=%7f", "a", ""},
        {"a=%09", "a", ""},
        {"A=x", "a", ""},
        {"", "a", ""},
        {"&=x&", "a", ""},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char template[64];
        scene->exchange.request.query = slice_from_text(rows[i][0]);
        snprintf(template, sizeof(template), "{query.%s}", rows[i][1]);
        expect(scene, template, rows[i][2]);
    }
}

static void what_is_not_there_yet_is_empty(void **state)
{
    struct scene *scene = *state;
    expect(scene, "{status}{response.bytes}{response.header.x}{upstream}{server}{tries}", "");
    expect(scene, "{time.first_byte}{time.last_byte}{time.waited}{time.answered}", "");
    expect(scene, "{tls.version}{proxy.address}{client.name}", "");
    scene->exchange.peer_port = 0;
    expect(scene, "{client.port}", "");
}

static void says_what_the_response_is(void **state)
{
    static const struct expansion_times times = {.first_byte_us = 2420, .last_byte_us = 1234567};
    struct scene *scene = *state;
    struct exchange *exchange = &scene->exchange;
    exchange->response.status = 404;
    exchange->response_bytes = UINT64_MAX;
    headers_add(&exchange->response.headers, &scene->arena, SLICE("Server"), SLICE("nginx"));
    expect(scene, "{status} {response.bytes} {response.header.server}", "404 18446744073709551615 nginx");
    exchange->forwarding = (struct exchange_forwarding){.upstream = SLICE("shop"), .waited_us = 7};
    expect(scene, "{upstream} {server} {tries} {time.waited} {time.answered}", "shop  0 0.007 ");
    exchange->forwarding.server = SLICE("http://127.0.0.1:1");
    exchange->forwarding.tries = 2;
    exchange->forwarding.is_answered = true;
    exchange->forwarding.answered_us = 10000;
    expect(scene, "{server} {tries} {time.answered}", "http://127.0.0.1:1 2 10.000");
    scene->expansion.times = &times;
    expect(scene, "{time.first_byte} {time.last_byte}", "2.420 1234.567");
    scene->expansion.time = SLICE("now");
    expect(scene, "{time}", "now");
    exchange->arena.ready_bytes = 12;
    exchange->arena.taken_bytes = 345;
    expect(scene, "{memory.ready} {memory.taken}", "12 345");
}

static void the_time_is_now(void **state)
{
    struct scene *scene = *state;
    char text[64];
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(expand(scene, "{time}")));
    unsigned year;
    int used = 0;
    assert_int_equal(sscanf(text, "%4u-%*2u-%*2uT%*2u:%*2u:%*2u.%*3uZ%n", &year, &used), 1);
    assert_true(year >= 2026 && text[used] == '\0');
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(expand(scene, "{time.unix}")));
    unsigned long seconds;
    assert_int_equal(sscanf(text, "%lu.%*3u%n", &seconds, &used), 1);
    assert_true(seconds > 1700000000 && text[used] == '\0');
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(expand(scene, "{time.common}")));
    assert_int_equal(sscanf(text, "%*2u/%*3[JFMASONDa-z]/%4u:%*2u:%*2u:%*2u +0000%n", &year, &used), 1);
    assert_true(year >= 2026 && text[used] == '\0' && used == 26);
}

static void the_rest_stands_for_what_is_empty(void **state)
{
    struct scene *scene = *state;
    expect(scene, "{header.x-user|anonymous}", "anonymous");
    expect(scene, "{header.user-agent|anonymous}", "curl");
    expect(scene, "<{jwt.sub|{header.x-user|{client.address}, {cookie.none|no cookie}}}>",
           "<2001:db8:1:2:3:4:5:6, no cookie>");
    assert_null(attributes_set(&scene->exchange.attributes, &scene->arena, SLICE("jwt.sub"), SLICE("")));
    expect(scene, "{jwt.sub|nobody}", "nobody");
    assert_null(attributes_set(&scene->exchange.attributes, &scene->arena, SLICE("jwt.sub"), SLICE("alice")));
    expect(scene, "{jwt.sub|nobody} {jwt.aud}", "alice ");
}

static struct slice find_fact(struct exchange_tls *tls, flexilib_tls_fact fact)
{
    switch (fact) {
    case FLEXILIB_TLS_VERSION:
        return SLICE("TLSv1.3");
    case FLEXILIB_TLS_SERVER_NAME:
        return SLICE("a.example");
    case FLEXILIB_TLS_CLIENT_SUBJECT:
        return SLICE("CN=alice");
    case FLEXILIB_TLS_CLIENT_NAMES:
        return SLICE("DNS:a\nDNS:b\nemail:c\n");
    case FLEXILIB_TLS_CLIENT_CERT:
        return SLICE(":abc=:");
    default:
        return SLICE_NONE;
    }
}

static void facts_of_tls_are_named(void **state)
{
    struct scene *scene = *state;
    struct exchange_tls tls = {.find = find_fact};
    scene->exchange.tls = &tls;
    expect(scene, "{tls.version} {tls.sni} {tls.client.subject} {tls.client.cert} {tls.cipher|none}",
           "TLSv1.3 a.example CN=alice :abc=: none");
    expect(scene, "{tls.client.names}", "DNS:a, DNS:b, email:c");
}

/* One value alone is where it stands. */
static void single_values_are_not_copied(void **state)
{
    struct scene *scene = *state;
    size_t taken = scene->arena.taken_bytes;
    struct template_part part = {.kind = PLACEHOLDER_PATH};
    const struct template template = {.parts = &part, .count = 1};
    assert_ptr_equal(expansion_text(&scene->expansion, &template).data, scene->exchange.request.path.data);
    assert_int_equal(scene->arena.taken_bytes, taken);
}

#define SCENE_TEST(function) cmocka_unit_test_setup_teardown(function, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(says_what_the_request_is),
        SCENE_TEST(many_fields_of_a_name_cost_little),
        SCENE_TEST(hosts_and_ports_are_taken_apart),
        SCENE_TEST(parameters_are_decoded),
        SCENE_TEST(what_is_not_there_yet_is_empty),
        SCENE_TEST(says_what_the_response_is),
        SCENE_TEST(the_time_is_now),
        SCENE_TEST(the_rest_stands_for_what_is_empty),
        SCENE_TEST(facts_of_tls_are_named),
        SCENE_TEST(single_values_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
