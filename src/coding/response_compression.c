#include "coding/response_compression.h"

#include "filter/byte_claims.h"
#include "http/content_coding.h"

static const struct slice event_stream = {"text/event-stream", sizeof("text/event-stream") - 1};

/* The media type without parameters. */
static struct slice find_type(const struct headers *response)
{
    const struct header *field = headers_find(response, SLICE("content-type"));
    if (field == NULL)
        return SLICE_NONE;
    struct slice value = field->value;
    return slice_next_item(&value, ';');
}

static bool ends_with_nocase(struct slice text, struct slice suffix)
{
    return text.length >= suffix.length && slice_equals_nocase(slice_skip(text, text.length - suffix.length), suffix);
}

static bool fits_part(struct slice pattern, struct slice part)
{
    if (pattern.length == 0 || pattern.data[0] != '*')
        return slice_equals_nocase(pattern, part);
    return ends_with_nocase(part, slice_skip(pattern, 1));
}

/* What is made of many small messages has to be named: it gains little, and every message costs a flush. */
static bool is_for_patterns(struct slice type)
{
    return !slice_equals_nocase(type, event_stream) && !slice_starts_with_nocase(type, SLICE("application/grpc"));
}

static bool fits_pattern(struct slice pattern, struct slice type)
{
    if (slice_equals_nocase(pattern, type))
        return true;
    size_t own_slash = slice_find(pattern, '/'), slash = slice_find(type, '/');
    if (slice_find(pattern, '*') == pattern.length || slash == type.length || !is_for_patterns(type))
        return false;
    return fits_part(slice_of(pattern.data, own_slash), slice_of(type.data, slash)) &&
           fits_part(slice_skip(pattern, own_slash + 1), slice_skip(type, slash + 1));
}

static bool is_listed(const struct compression_settings *settings, struct slice type)
{
    for (size_t i = 0; i < settings->type_count; ++i) {
        if (fits_pattern(settings->types[i].text, type))
            return true;
    }
    return false;
}

static bool list_has(struct slice list, struct slice wanted)
{
    while (list.length != 0) {
        if (slice_equals_nocase(slice_next_item(&list, ','), wanted))
            return true;
    }
    return false;
}

/* Whether one of the fields of that name has the item in its list. */
static bool has_item(const struct headers *headers, struct slice name, struct slice item)
{
    for (size_t i = 0; i < headers->count; ++i) {
        if (slice_equals_nocase(headers->items[i].name, name) && list_has(headers->items[i].value, item))
            return true;
    }
    return false;
}

static bool forbids_changes(const struct headers *headers)
{
    return has_item(headers, SLICE("cache-control"), SLICE("no-transform"));
}

/* What somebody may hold the very bytes against. */
static bool has_digest(const struct response_head *response)
{
    for (size_t i = 0; i < BYTE_CLAIMS_DIGESTS; ++i) {
        struct slice name = byte_claims_digests[i];
        if (headers_find(&response->headers, name) != NULL || list_has(response->trailer_names, name))
            return true;
    }
    return false;
}

static bool has_fixed_bytes(const struct response_head *response)
{
    return headers_find(&response->headers, SLICE("content-encoding")) != NULL ||
           headers_find(&response->headers, SLICE("content-range")) != NULL || has_digest(response);
}

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

static bool is_compressible(const struct compression_settings *settings, const struct response_head *response)
{
    return may_have_body(response->status) &&
           (response->body_length < 0 ||
            (response->body_length >= settings->min_length_bytes && response->body_length != 0)) &&
           is_listed(settings, find_type(&response->headers)) && !has_fixed_bytes(response) &&
           !forbids_changes(&response->headers);
}

static void add_vary(struct exchange *exchange)
{
    struct headers *headers = &exchange->response.headers;
    struct header *field = headers_find(headers, SLICE("vary"));
    if (has_item(headers, SLICE("vary"), SLICE("*")) || has_item(headers, SLICE("vary"), SLICE("accept-encoding")))
        return;
    if (field == NULL)
        headers_add(headers, &exchange->arena, SLICE("Vary"), SLICE("Accept-Encoding"));
    else if (field->value.length == 0)
        field->value = SLICE("Accept-Encoding");
    else
        field->value = arena_print(&exchange->arena, "%.*s, Accept-Encoding", SLICE_ARG(field->value));
}

/* A tag that we made weak comes back; whoever keeps the response by it finds it by no other (RFC 9111 section
 * 4.3.4). The type is that of what is kept, and seldom told. */
static void settle_not_modified(const struct compression_settings *settings, struct exchange *exchange)
{
    const struct headers *response = &exchange->response.headers;
    struct slice type = find_type(response);
    if ((type.length != 0 && !is_listed(settings, type)) || has_fixed_bytes(&exchange->response) ||
        forbids_changes(response))
        return;
    add_vary(exchange);
    struct header *tag = headers_find(response, SLICE("etag"));
    if (tag == NULL || !byte_claims_is_strong_tag(tag->value))
        return;
    struct slice weak = byte_claims_weaken(&exchange->arena, tag->value);
    if (has_item(&exchange->request.headers, SLICE("if-none-match"), weak))
        tag->value = weak;
}

/* A part says what all of it would (RFC 9110 section 15.3.7). */
static void settle_part(const struct compression_settings *settings, struct exchange *exchange)
{
    const struct response_head *response = &exchange->response;
    if (is_listed(settings, find_type(&response->headers)) && !has_digest(response) &&
        headers_find(&response->headers, SLICE("content-encoding")) == NULL && !forbids_changes(&response->headers))
        add_vary(exchange);
}

bool response_compression_choose(const struct compression_settings *settings, struct exchange *exchange,
                                 enum coding *coding)
{
    const struct request_head *request = &exchange->request;
    struct response_head *response = &exchange->response;
    if (response->status == 304)
        settle_not_modified(settings, exchange);
    if (response->status == 206)
        settle_part(settings, exchange);
    if (!is_compressible(settings, response))
        return false;
    add_vary(exchange);
    /* HTTP/1.0 has only the connection's end to tell where a body without a length is over */
    if (forbids_changes(&request->headers) || request->minor_version == 0)
        return false;
    size_t number = content_coding_choose(&request->headers, settings->codings, settings->coding_count);
    if (number == settings->coding_count)
        return false;
    *coding = settings->codings[number];
    return true;
}

bool response_compression_takes(const struct compression_settings *settings, const struct exchange *exchange,
                                enum coding coding)
{
    for (size_t i = 0; i < settings->coding_count; ++i) {
        if (settings->codings[i] == coding)
            return content_coding_choose(&exchange->request.headers, &coding, 1) == 0;
    }
    return false;
}

void response_compression_announce(struct exchange *exchange, enum coding coding)
{
    struct response_head *response = &exchange->response;
    byte_claims_weaken_tag(&response->headers, &exchange->arena);
    headers_remove(&response->headers, SLICE("accept-ranges"));
    headers_add(&response->headers, &exchange->arena, SLICE("Content-Encoding"), coding_name(coding));
    response->body_length = -1;
}

void response_compression_settle_trailers(struct exchange *exchange)
{
    byte_claims_drop_digests(&exchange->response_trailers);
    byte_claims_weaken_tag(&exchange->response_trailers, &exchange->arena);
}

bool response_compression_is_event_stream(const struct exchange *exchange)
{
    return slice_equals_nocase(find_type(&exchange->response.headers), event_stream);
}
