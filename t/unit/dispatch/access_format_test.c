#include "dispatch/access_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct exchange exchange;

static const struct expansion_times times = {.first_byte_us = 2420, .last_byte_us = 2568};

static int open_scene(void **state)
{
    arena_init(&arena, 0);
    exchange = (struct exchange){
        .request = {.method = SLICE("GET"), .path = SLICE("/a"), .raw_target = SLICE("/a"), .minor_version = 1},
        .response = {.status = 200},
        .peer_address = SLICE("127.0.0.1"),
        .id = SLICE("0123456789abcdef"),
        .response_bytes = 11,
    };
    return 0;
}

static int close_scene(void **state)
{
    arena_finish(&arena);
    return 0;
}

static const struct template *read_template(const char *text)
{
    struct node node = {.kind = NODE_SCALAR, .text = slice_from_text(text)};
    struct error error = ERROR_INIT;
    const struct template *template = template_read(&node, &arena, &error);
    assert_string_equal(error.message, "");
    return template;
}

static struct access_log_settings line_of(const char *text)
{
    return (struct access_log_settings){.line = read_template(text)};
}

/* An object of one value, whose name is "a". */
static struct access_log_settings object_of(const char *text)
{
    struct access_log_field *field = arena_alloc(&arena, sizeof(*field));
    *field = (struct access_log_field){SLICE("a"), read_template(text)};
    return (struct access_log_settings){.fields = field, .field_count = 1};
}

static void format_one(struct access_log_settings settings, struct text *out)
{
    struct access_format *format = access_format_create(&settings);
    assert_non_null(format);
    text_clear(out);
    access_format_add(format, out, SLICE("NOW"), &exchange, &times);
    access_format_destroy(format);
}

static void expect(struct access_log_settings settings, const char *expected)
{
    struct text out = TEXT_INIT;
    format_one(settings, &out);
    assert_string_equal(out.data, expected);
    text_finish(&out);
}

static void set_header(const char *value, size_t length)
{
    exchange.request.headers.count = 0;
    headers_add(&exchange.request.headers, &arena, SLICE("x"), slice_of(value, length));
}

static void a_line_says_what_its_template_does(void **state)
{
    assert_null(access_format_create(NULL));
    assert_null(access_format_create(&(struct access_log_settings){.path = SLICE("-")}));
    expect(line_of("{time} {client.address} \"{request.line}\" {status} {response.bytes} {time.first_byte}"),
           "NOW 127.0.0.1 \"GET /a HTTP/1.1\" 200 11 2.420\n");
    expect(line_of("{upstream} {header.x} {header.x|none} {jwt.sub|{header.x}}"), "- - none -\n");
}

static void an_object_has_numbers_and_nulls(void **state)
{
    const struct access_log_field fields[] = {
        {SLICE("time"), read_template("{time}")},
        {SLICE("status"), read_template("{status}")},
        {SLICE("ms"), read_template("{time.last_byte}")},
        {SLICE("upstream"), read_template("{upstream}")},
        {SLICE("tries"), read_template("{tries}")},
        {SLICE("both"), read_template("{method} {upstream}")},
        {SLICE("text"), read_template("{status|0}")},
        {SLICE("a \"b\"\n\xc3\xa4"), read_template("plain")},
        {SLICE("empty"), read_template("")},
    };
    expect((struct access_log_settings){.fields = fields, .field_count = sizeof(fields) / sizeof(fields[0])},
           "{\"time\":\"NOW\",\"status\":200,\"ms\":2.568,\"upstream\":null,\"tries\":null,\"both\":\"GET -\","
           "\"text\":\"200\",\"a \\\"b\\\"\\u000a\xc3\xa4\":\"plain\",\"empty\":\"\"}\n");
}

static void nothing_that_is_sent_breaks_a_line(void **state)
{
    static const char wild[] = "a\"b\\c\td\x7f\xc3\xa4\xff\xe2\x82\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80 z";
    set_header(wild, sizeof(wild) - 1);
    expect(line_of("\"{header.x}\""), "\"a\\x22b\\x5Cc\\x09d\\x7F\\xC3\\xA4\\xFF\\xE2\\x82\\xC2\\x9B\\xE2\\x80\\xAE"
                                      "\\xF0\\x9F\\x98\\x80 z\"\n");
    expect(object_of("{header.x}"), "{\"a\":\"a\\\"b\\\\c\\u0009d\\u007f\xc3\xa4\\u00ff\\u00e2\\u0082\\u009b\\u202e"
                                    "\xf0\x9f\x98\x80 z\"}\n");
}

/* Whatever its values are made of, a line keeps its bound, its end and what stands between them. */
static void long_values_are_cut(void **state)
{
    static const char *const units[] = {"a", "\xff", "\"", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a\xc2\x9b"};
    char *value = malloc(70000);
    struct text out = TEXT_INIT;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i) {
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at < 70000; ++at)
            value[at] = units[i][at % unit];
        for (size_t shift = 0; shift < 6; ++shift) {
            set_header(value + shift * unit, 69000);
            format_one(line_of("{status} {header.x} {header.x} {method} end"), &out);
            assert_true(out.length < 4096 && out.length > 2000);
            assert_non_null(strstr(out.data, "... GET end\n"));
            format_one(object_of("{header.x}{header.x}{header.x} {method} end"), &out);
            assert_true(out.length < 4096 && out.length > 2000);
            assert_non_null(strstr(out.data, "... GET end\"}\n"));
        }
    }
    text_finish(&out);
    free(value);
}

/* As many values as settings let through. */
static void many_long_values_fit(void **state)
{
    enum {
        COUNT = 150,
    };
    char text[COUNT * 10 + 1] = "";
    char value[1000];
    struct text out = TEXT_INIT;
    memset(value, 'a', sizeof(value));
    set_header(value, sizeof(value));
    for (int i = 0; i < COUNT; ++i)
        strcat(text, "{header.x}");
    format_one(line_of(text), &out);
    assert_true(out.length < 4096);
    assert_true(slice_ends_with(text_slice(&out), SLICE("...\n")));
    text_finish(&out);
}

static void lines_follow_each_other(void **state)
{
    struct access_log_settings settings = object_of("{header.x}");
    struct access_format *format = access_format_create(&settings);
    struct text out = TEXT_INIT;
    char value[4000];
    memset(value, '"', sizeof(value));
    set_header("1", 1);
    access_format_add(format, &out, SLICE("NOW"), &exchange, &times);
    set_header(value, sizeof(value));
    access_format_add(format, &out, SLICE("NOW"), &exchange, &times);
    set_header("3", 1);
    access_format_add(format, &out, SLICE("NOW"), &exchange, &times);
    assert_memory_equal(out.data, "{\"a\":\"1\"}\n{\"a\":\"\\\"", 18);
    assert_true(slice_ends_with(text_slice(&out), SLICE("...\"}\n{\"a\":\"3\"}\n")));
    access_format_destroy(format);
    access_format_destroy(NULL);
    text_finish(&out);
}

#define SCENE_TEST(function) cmocka_unit_test_setup_teardown(function, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_line_says_what_its_template_does),
        SCENE_TEST(an_object_has_numbers_and_nulls),
        SCENE_TEST(nothing_that_is_sent_breaks_a_line),
        SCENE_TEST(long_values_are_cut),
        SCENE_TEST(many_long_values_fit),
        SCENE_TEST(lines_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
