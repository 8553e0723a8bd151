#include "coding/response_compression.h"
#include "http/content_coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Which responses are compressed, for whom, and what their heads say. */

static const struct field_item types[] = {
    {.text = {"text/*", 6}},
    {.text = {"application/json", 16}},
    {.text = {"application/*+json", 18}},
    {.text = {"*/*+xml", 7}},
};

static const struct compression_settings settings = {
    .codings = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP},
    .coding_count = 3,
    .types = types,
    .type_count = sizeof(types) / sizeof(types[0]),
    .min_length_bytes = 1000,
};

struct outcome {
    bool is_compressed;
    enum coding coding;
    struct exchange exchange;
};

/* Pairs of names and values up to NULL. */
static void fill(struct headers *headers, struct arena *arena, const char *const *pairs)
{
    for (; pairs != NULL && *pairs != NULL; pairs += 2)
        headers_add(headers, arena, slice_from_text(pairs[0]), slice_from_text(pairs[1]));
}

static void judge(struct outcome *outcome, const struct compression_settings *by, int status, int64_t length,
                  const char *const *request, const char *const *response)
{
    struct exchange *exchange = &outcome->exchange;
    *exchange = (struct exchange){.request = {.method = SLICE("GET"), .minor_version = 1},
                                  .response = {.status = status, .body_length = length}};
    arena_init(&exchange->arena, 0);
    fill(&exchange->request.headers, &exchange->arena, request);
    fill(&exchange->response.headers, &exchange->arena, response);
    outcome->is_compressed = response_compression_choose(by, exchange, &outcome->coding);
    if (outcome->is_compressed)
        response_compression_announce(exchange, outcome->coding);
}

static void finish(struct outcome *outcome)
{
    arena_finish(&outcome->exchange.arena);
}

static void expect_field(const struct outcome *outcome, const char *name, const char *value)
{
    const struct header *field = headers_find(&outcome->exchange.response.headers, slice_from_text(name));
    if (value == NULL) {
        assert_null(field);
        return;
    }
    assert_non_null(field);
    if (!slice_equals(field->value, slice_from_text(value)))
        fail_msg("%s is '%.*s', not '%s'", name, SLICE_ARG(field->value), value);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define HTML      "content-type", "text/html; charset=utf-8"
#define TAKES_ALL LIST("accept-encoding", "gzip, deflate, br, zstd")

/* coding NULL: as it is. Whether the head says that it varies. */
static void expect(int status, int64_t length, const char *const *request, const char *const *response,
                   const char *coding, bool varies)
{
    struct outcome outcome;
    judge(&outcome, &settings, status, length, request, response);
    expect_field(&outcome, "vary", varies ? "Accept-Encoding" : NULL);
    if (coding != NULL)
        expect_field(&outcome, "content-encoding", coding);
    assert_int_equal(outcome.is_compressed, coding != NULL);
    assert_int_equal(outcome.exchange.response.body_length, coding != NULL ? -1 : length);
    finish(&outcome);
}

static void expect_for(const char *accepted, const char *coding)
{
    expect(200, 5000, LIST("accept-encoding", accepted), LIST(HTML), coding, true);
}

static void clients_get_what_they_like(void **state)
{
    expect(200, 5000, NULL, LIST(HTML), NULL, true);
    expect_for("", NULL);
    expect_for("gzip", "gzip");
    expect_for("GZip", "gzip");
    expect_for("x-gzip", "gzip");
    expect_for("br", "br");
    expect_for("zstd", "zstd");
    expect_for("gzip, deflate, br, zstd", "zstd");
    expect_for("gzip, deflate, br", "br");
    expect_for("deflate, compress, identity", NULL);
    expect_for("*", "zstd");
    expect_for("*;q=0", NULL);
    expect_for("*;q=0.5, zstd;q=0", "br");
    expect_for("zstd;q=0.5, gzip;q=0.9", "gzip");
    expect_for("gzip;q=0, br;q=0, zstd;q=0", NULL);
    expect_for("gzip;q=0.001", "gzip");
    expect_for("gzip; q=0.5 , identity; q=0.4", "gzip");
    expect_for("gzip;q=0.5, identity", NULL);
    expect_for("gzip;q=0.5, identity;q=0.5", "gzip");
    expect_for("identity;q=0, gzip;q=0.1", "gzip");
    expect_for("identity;q=0", NULL);
    expect_for("gzip;q=2", NULL);
    expect_for("gzip;q=", NULL);
    expect_for("gzipped, br0tli, ,;,", NULL);
    expect(200, 5000, LIST("accept-encoding", "deflate", "Accept-Encoding", "br"), LIST(HTML), "br", true);
    expect(200, 5000, LIST("accept-encoding", "gzip", "cache-control", "no-cache, No-Transform"), LIST(HTML), NULL,
           true);
}

static void old_clients_get_plain_bytes(void **state)
{
    struct exchange exchange = {.response = {.status = 200, .body_length = -1}};
    enum coding coding;
    arena_init(&exchange.arena, 0);
    fill(&exchange.request.headers, &exchange.arena, TAKES_ALL);
    fill(&exchange.response.headers, &exchange.arena, LIST(HTML));
    assert_false(response_compression_choose(&settings, &exchange, &coding));
    assert_non_null(headers_find(&exchange.response.headers, SLICE("vary")));
    arena_finish(&exchange.arena);
}

static void some_responses_are_left_alone(void **state)
{
    static const int without[] = {100, 101, 103, 204, 205};
    static const int with[] = {200, 201, 203, 207, 301, 400, 404, 500, 503};
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); ++i)
        expect(without[i], 5000, TAKES_ALL, LIST(HTML), NULL, false);
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); ++i)
        expect(with[i], 5000, TAKES_ALL, LIST(HTML), "zstd", true);
    expect(206, 5000, TAKES_ALL, LIST(HTML, "content-range", "bytes 0-4999/9000"), NULL, true);
    expect(206, 5000, TAKES_ALL, LIST(HTML, "Content-Encoding", "gzip"), NULL, false);
    expect(206, 5000, TAKES_ALL, LIST("content-type", "image/png"), NULL, false);
    expect(200, 999, TAKES_ALL, LIST(HTML), NULL, false);
    expect(200, 1000, TAKES_ALL, LIST(HTML), "zstd", true);
    expect(200, 0, TAKES_ALL, LIST(HTML), NULL, false);
    expect(200, -1, TAKES_ALL, LIST(HTML), "zstd", true);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "Content-Encoding", "gzip"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "content-encoding", "identity"), NULL, false);
    expect(416, 5000, TAKES_ALL, LIST(HTML, "content-range", "bytes */10"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "cache-control", "max-age=5,no-transform"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "cache-control", "a", "Cache-Control", "no-transform"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "cache-control", "no-transformer"), "zstd", true);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "content-digest", "sha-256=:AAAA:"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "repr-digest", "sha-256=:AAAA:"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "Digest", "md5=AAAA"), NULL, false);
    expect(200, 5000, TAKES_ALL, LIST(HTML, "Content-MD5", "AAAA"), NULL, false);
}

static void announced_digests_hold(void **state)
{
    struct exchange exchange = {.request = {.minor_version = 1}, .response = {.status = 200, .body_length = -1}};
    enum coding coding;
    arena_init(&exchange.arena, 0);
    fill(&exchange.request.headers, &exchange.arena, TAKES_ALL);
    fill(&exchange.response.headers, &exchange.arena, LIST(HTML));
    exchange.response.trailer_names = SLICE("X-Sum, Repr-Digest");
    assert_false(response_compression_choose(&settings, &exchange, &coding));
    exchange.response.trailer_names = SLICE("X-Sum, X-Digest");
    assert_true(response_compression_choose(&settings, &exchange, &coding));
    fill(&exchange.response_trailers, &exchange.arena, LIST("content-md5", "AAAA", "x-sum", "1", "Digest", "AAAA"));
    response_compression_settle_trailers(&exchange);
    assert_int_equal(exchange.response_trailers.count, 1);
    arena_finish(&exchange.arena);
}

static void expect_type(const char *type, bool is_compressed)
{
    expect(200, 5000, TAKES_ALL, LIST("Content-Type", type), is_compressed ? "zstd" : NULL, is_compressed);
}

static void types_are_those_listed(void **state)
{
    expect(200, 5000, TAKES_ALL, NULL, NULL, false);
    expect_type("TEXT/css", true);
    expect_type("text/css ; charset=x", true);
    expect_type("application/json", true);
    expect_type("application/json;charset=utf-8", true);
    expect_type("application/jsonp", false);
    expect_type("application/problem+JSON", true);
    expect_type("image/svg+xml", true);
    expect_type("image/png", false);
    expect_type("video/mp4", false);
    expect_type("text", false);
    expect_type("", false);
    expect_type(";text/html", false);
    expect_type("application/octet-stream", false);
    expect_type("text/event-stream", false);
    expect_type("Text/Event-Stream; charset=utf-8", false);
    expect_type("application/grpc+json", false);
}

static void some_types_have_to_be_named(void **state)
{
    static const struct field_item named[] = {{.text = {"text/event-stream", 17}}, {.text = {"*/*", 3}}};
    struct compression_settings own = settings;
    struct outcome outcome;
    own.types = named;
    own.type_count = 1;
    judge(&outcome, &own, 200, -1, TAKES_ALL, LIST("content-type", "Text/Event-Stream; a=b"));
    assert_true(outcome.is_compressed);
    assert_true(response_compression_is_event_stream(&outcome.exchange));
    finish(&outcome);
    own.types = named + 1;
    judge(&outcome, &own, 200, -1, TAKES_ALL, LIST("content-type", "text/event-stream"));
    assert_false(outcome.is_compressed);
    finish(&outcome);
    judge(&outcome, &own, 200, -1, TAKES_ALL, LIST("content-type", "image/png"));
    assert_true(outcome.is_compressed);
    assert_false(response_compression_is_event_stream(&outcome.exchange));
    finish(&outcome);
}

static void expect_vary(const char *const *response, const char *vary)
{
    struct outcome outcome;
    judge(&outcome, &settings, 200, 5000, NULL, response);
    expect_field(&outcome, "vary", vary);
    finish(&outcome);
}

static void vary_is_merged(void **state)
{
    expect_vary(LIST(HTML, "Vary", "Origin"), "Origin, Accept-Encoding");
    expect_vary(LIST(HTML, "Vary", "Origin, accept-encoding"), "Origin, accept-encoding");
    expect_vary(LIST(HTML, "vary", "Origin", "vary", "Accept-Encoding"), "Origin");
    expect_vary(LIST(HTML, "vary", "*"), "*");
    expect_vary(LIST(HTML, "vary", ""), "Accept-Encoding");
}

static void heads_tell_of_other_bytes(void **state)
{
    struct outcome outcome;
    judge(&outcome, &settings, 200, 5000, TAKES_ALL,
          LIST(HTML, "ETag", "\"x\"", "Accept-Ranges", "bytes", "Last-Modified", "then"));
    expect_field(&outcome, "etag", "W/\"x\"");
    expect_field(&outcome, "accept-ranges", NULL);
    expect_field(&outcome, "last-modified", "then");
    expect_field(&outcome, "content-type", "text/html; charset=utf-8");
    finish(&outcome);
    judge(&outcome, &settings, 200, 5000, TAKES_ALL, LIST(HTML, "ETag", "W/\"x\""));
    expect_field(&outcome, "etag", "W/\"x\"");
    finish(&outcome);
    judge(&outcome, &settings, 200, 5000, NULL, LIST(HTML, "ETag", "\"x\"", "Accept-Ranges", "bytes"));
    expect_field(&outcome, "etag", "\"x\"");
    expect_field(&outcome, "accept-ranges", "bytes");
    finish(&outcome);
}

static void expect_not_modified(const char *sent, const char *const *response, const char *tag, const char *vary)
{
    struct outcome outcome;
    judge(&outcome, &settings, 304, -1, LIST("accept-encoding", "gzip", "if-none-match", sent), response);
    assert_false(outcome.is_compressed);
    expect_field(&outcome, "etag", tag);
    expect_field(&outcome, "vary", vary);
    finish(&outcome);
}

static void what_is_kept_is_found_again(void **state)
{
    expect_not_modified("W/\"x\"", LIST("etag", "\"x\""), "W/\"x\"", "Accept-Encoding");
    expect_not_modified("\"y\", W/\"x\"", LIST("etag", "\"x\""), "W/\"x\"", "Accept-Encoding");
    expect_not_modified("\"x\"", LIST("etag", "\"x\""), "\"x\"", "Accept-Encoding");
    expect_not_modified("W/\"x\"", LIST("etag", "W/\"x\""), "W/\"x\"", "Accept-Encoding");
    expect_not_modified("W/\"x\"", LIST("etag", "\"x\"", HTML), "W/\"x\"", "Accept-Encoding");
    expect_not_modified("W/\"x\"", LIST("etag", "\"x\"", "content-type", "image/png"), "\"x\"", NULL);
    expect_not_modified("W/\"x\"", LIST("etag", "\"x\"", "cache-control", "no-transform"), "\"x\"", NULL);
    expect_not_modified("W/\"x\"", LIST("vary", "*"), NULL, "*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_get_what_they_like),    cmocka_unit_test(old_clients_get_plain_bytes),
        cmocka_unit_test(some_responses_are_left_alone), cmocka_unit_test(types_are_those_listed),
        cmocka_unit_test(some_types_have_to_be_named),   cmocka_unit_test(vary_is_merged),
        cmocka_unit_test(announced_digests_hold),        cmocka_unit_test(heads_tell_of_other_bytes),
        cmocka_unit_test(what_is_kept_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
