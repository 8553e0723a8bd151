#include "front/http1_writer.h"
#include "http/http_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char date[] = "Sun, 22 Nov 2026 06:41:01 GMT";

struct row {
    const char *name;
    int status;
    int64_t body_length;
    bool has_body;
    unsigned minor_version;
    bool keep_alive;
    bool has_date;
    const char *head;
};

#define DATE "Date: Sun, 22 Nov 2026 06:41:01 GMT\r\n"

static const struct row rows[] = {
    {"known length", 200, 5, true, 1, true, false, "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"empty", 200, 0, true, 1, true, false, "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Content-Length: 0\r\n\r\n"},
    {"unknown length", 200, -1, true, 1, true, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Transfer-Encoding: chunked\r\n\r\n"},
    {"unknown length, closing", 200, -1, true, 1, false, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"},
    {"closing", 404, 5, true, 1, false, false,
     "HTTP/1.1 404 Not Found\r\nX-A: b\r\n" DATE "Content-Length: 5\r\nConnection: close\r\n\r\n"},
    {"1.0 and keep-alive", 200, 5, true, 0, true, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"},
    {"1.0, keep-alive, unknown length", 200, -1, true, 0, true, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Connection: close\r\n\r\n"},
    {"HEAD, known length", 200, 5, false, 1, true, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"HEAD, unknown length", 200, -1, false, 1, true, false, "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "\r\n"},
    {"HEAD to 1.0, unknown length", 200, -1, false, 0, true, false,
     "HTTP/1.1 200 OK\r\nX-A: b\r\n" DATE "Connection: keep-alive\r\n\r\n"},
    {"204", 204, 0, false, 1, true, false, "HTTP/1.1 204 No Content\r\nX-A: b\r\n" DATE "\r\n"},
    {"304 of a handler", 304, 0, false, 1, true, false, "HTTP/1.1 304 Not Modified\r\nX-A: b\r\n" DATE "\r\n"},
    {"304 with a length", 304, 7, false, 1, true, false,
     "HTTP/1.1 304 Not Modified\r\nX-A: b\r\n" DATE "Content-Length: 7\r\n\r\n"},
    {"101", 101, -1, false, 1, true, false,
     "HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\n" DATE "Connection: upgrade\r\nUpgrade: foo\r\n\r\n"},
    {"101 while draining", 101, 0, false, 1, false, false,
     "HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\n" DATE "Connection: upgrade\r\nUpgrade: foo\r\n\r\n"},
    {"unknown status", 299, 0, true, 1, true, false, "HTTP/1.1 299 \r\nX-A: b\r\n" DATE "Content-Length: 0\r\n\r\n"},
    {"its own date", 200, 9223372036854775807, true, 1, true, true,
     "HTTP/1.1 200 OK\r\nX-A: b\r\ndate: x\r\nContent-Length: 9223372036854775807\r\n\r\n"},
};

static void writes_the_head_of_each_kind_of_response(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        const struct row *row = &rows[i];
        struct arena arena;
        arena_init(&arena, 0);
        struct response_head response = {
            .status = row->status, .body_length = row->body_length, .upgrade = SLICE("foo")};
        headers_add(&response.headers, &arena, SLICE("X-A"), SLICE("b"));
        if (row->has_date)
            headers_add(&response.headers, &arena, SLICE("date"), SLICE("x"));
        struct http1_delivery delivery =
            http1_writer_plan(&response, row->has_body, row->minor_version, row->keep_alive);
        struct slice head = http1_writer_head(&arena, &response, &delivery, slice_from_text(date));
        if (!slice_equals(head, slice_from_text(row->head)))
            fail_msg("%s: expected\n%sgot\n%.*s", row->name, row->head, SLICE_ARG(head));
        arena_finish(&arena);
    }
}

static void an_interim_response_has_fields_of_the_server_only(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct response_head interim = {.status = 103, .body_length = -1};
    headers_add(&interim.headers, &arena, SLICE("Link"), SLICE("</a>"));
    struct slice text = http1_writer_interim(&arena, &interim);
    assert_true(slice_equals(text, SLICE("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")));
    arena_finish(&arena);
}

static void an_unknown_length_ends_the_connection_of_an_old_client(void **state)
{
    struct response_head response = {.status = 200, .body_length = -1};
    struct http1_delivery delivery = http1_writer_plan(&response, true, 0, true);
    assert_int_equal(delivery.ending, HTTP1_ENDING_CLOSE);
    assert_false(delivery.keep_alive);
}

static void a_chunk_starts_with_its_size(void **state)
{
    static const struct {
        size_t length;
        const char *text;
    } sizes[] = {{1, "1\r\n"}, {10, "a\r\n"}, {255, "ff\r\n"}, {4096, "1000\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        char text[HTTP1_CHUNK_START_BYTES];
        size_t length = http1_writer_chunk_start(text, sizes[i].length);
        assert_true(slice_equals(slice_of(text, length), slice_from_text(sizes[i].text)));
    }
}

static void the_date_has_the_preferred_form(void **state)
{
    struct http_date_cache cached = {0};
    struct slice text = http_date_now(&cached);
    char day[4], month[4];
    int number, year, hour, minute, second, end = 0;
    assert_int_equal(sscanf(text.data, "%3[A-Z a-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", day, &number, month, &year,
                            &hour, &minute, &second, &end),
                     7);
    assert_int_equal(end, text.length);
    assert_int_equal(text.length, sizeof(date) - 1);
    assert_ptr_equal(http_date_now(&cached).data, text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_head_of_each_kind_of_response),
        cmocka_unit_test(an_interim_response_has_fields_of_the_server_only),
        cmocka_unit_test(an_unknown_length_ends_the_connection_of_an_old_client),
        cmocka_unit_test(a_chunk_starts_with_its_size),
        cmocka_unit_test(the_date_has_the_preferred_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
