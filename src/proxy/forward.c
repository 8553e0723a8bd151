#include "proxy/forward.h"

enum {
    /* everything that is neither the client's text nor the server's host: field names, separators, a length */
    MOST_FIXED_BYTES = 384,
    /* what joining or writing a field adds to its name and value */
    FIELD_EXTRA_BYTES = 4,
};

/* The fields that are not simply copied. */
enum forwarded_field {
    FIELD_PLAIN = 0,
    FIELD_DROPPED,
    FIELD_FORWARDED_FOR,
    FIELD_VIA,
};

static const struct slice forwarded_for = {"X-Forwarded-For", 15};
static const struct slice via = {"Via", 3};

/* By length first: this runs for every field of every request. */
static enum forwarded_field classify_field(struct slice name)
{
    switch (name.length) {
    case 3:
        return slice_equals_nocase(name, via) ? FIELD_VIA : FIELD_PLAIN;
    case 4:
        return slice_equals_nocase(name, SLICE("Host")) ? FIELD_DROPPED : FIELD_PLAIN;
    case 6:
        return slice_equals_nocase(name, SLICE("Expect")) ? FIELD_DROPPED : FIELD_PLAIN;
    case 15:
        return slice_equals_nocase(name, forwarded_for) ? FIELD_FORWARDED_FOR : FIELD_PLAIN;
    case 16:
        if (slice_equals_nocase(name, SLICE("X-Forwarded-Host")))
            return FIELD_DROPPED;
        break;
    case 17:
        if (slice_equals_nocase(name, SLICE("X-Forwarded-Proto")))
            return FIELD_DROPPED;
        break;
    default:
        break;
    }
    return header_is_hop_by_hop(name) ? FIELD_DROPPED : FIELD_PLAIN;
}

static char *put(char *at, struct slice text)
{
    if (text.length != 0)
        memcpy(at, text.data, text.length);
    return at + text.length;
}

static char *put_field(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    at = put(at, SLICE(": "));
    at = put(at, value);
    return put(at, SLICE("\r\n"));
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count != 0)
        *at++ = digits[--count];
    return at;
}

static size_t count_bytes(const struct exchange *exchange, struct slice server_host)
{
    const struct request_head *request = &exchange->request;
    size_t bytes = MOST_FIXED_BYTES + request->method.length + request->path.length + request->query.length +
                   2 * request->authority.length + server_host.length + request->scheme.length +
                   exchange->peer_address.length;
    for (size_t i = 0; i < request->headers.count; ++i)
        bytes += request->headers.items[i].name.length + request->headers.items[i].value.length + FIELD_EXTRA_BYTES;
    return bytes;
}

static char *put_request_line(char *at, const struct request_head *request, struct slice strip)
{
    at = put(at, request->method);
    *at++ = ' ';
    at = put(at, forward_strip(request->path, strip));
    if (request->has_query) {
        *at++ = '?';
        at = put(at, request->query);
    }
    return put(at, SLICE(" HTTP/1.1\r\n"));
}

/* One field that holds what the client's fields of that kind said and then one value more, which may be empty. */
static char *put_continued(char *at, const struct headers *headers, enum forwarded_field kind, struct slice name,
                           struct slice more)
{
    char *start = at;
    at = put(at, name);
    at = put(at, SLICE(": "));
    char *value = at;
    for (size_t i = 0; i < headers->count; ++i) {
        struct slice old = headers->items[i].value;
        if (old.length == 0 || classify_field(headers->items[i].name) != kind)
            continue;
        at = at == value ? at : put(at, SLICE(", "));
        at = put(at, old);
    }
    if (more.length != 0) {
        at = at == value ? at : put(at, SLICE(", "));
        at = put(at, more);
    }
    return at == value ? start : put(at, SLICE("\r\n"));
}

/* RFC 9110 section 8.6: where the method gives a body a meaning, its absence is said too. */
static bool wants_length(struct slice method)
{
    return slice_equals(method, SLICE("POST")) || slice_equals(method, SLICE("PUT")) ||
           slice_equals(method, SLICE("PATCH"));
}

static char *put_framing(char *at, struct slice method, int64_t body_length)
{
    if (body_length < 0)
        return put_field(at, SLICE("Transfer-Encoding"), SLICE("chunked"));
    if (body_length == 0 && !wants_length(method))
        return at;
    at = put(at, SLICE("Content-Length: "));
    at = put_number(at, (uint64_t)body_length);
    return put(at, SLICE("\r\n"));
}

static char *put_forwarding(char *at, const struct exchange *exchange)
{
    const struct request_head *request = &exchange->request;
    bool is_unix = slice_starts_with(exchange->peer_address, SLICE("unix:"));
    at = put_continued(at, &request->headers, FIELD_FORWARDED_FOR, forwarded_for,
                       is_unix ? SLICE_NONE : exchange->peer_address);
    at = put_field(at, SLICE("X-Forwarded-Proto"), request->scheme);
    if (request->authority.length != 0)
        at = put_field(at, SLICE("X-Forwarded-Host"), request->authority);
    return put_continued(at, &request->headers, FIELD_VIA, via,
                         request->minor_version == 0 ? SLICE("1.0 flexilib") : SLICE("1.1 flexilib"));
}

static bool is_let_through(const struct forward_settings *forward, struct slice token)
{
    if (token.length > FORWARD_UPGRADE_BYTES || slice_starts_with_nocase(token, SLICE("h2c")))
        return false;
    for (size_t i = 0; i < forward->upgrade_count; ++i) {
        struct slice allowed = forward->upgrades[i].text;
        if (slice_equals(allowed, SLICE("*")) || slice_equals_nocase(allowed, token))
            return true;
    }
    return false;
}

/* A name, or a name and a version. */
static bool is_protocol(struct slice token)
{
    size_t slash = slice_find(token, '/');
    return header_is_name(slice_of(token.data, slash)) &&
           (slash == token.length || header_is_name(slice_skip(token, slash + 1)));
}

struct slice forward_upgrade(const struct exchange *exchange, const struct plan_route *route)
{
    struct slice list = exchange->request.upgrade;
    /* a filter may have added a body */
    if (exchange->request_body.length != 0)
        return SLICE_NONE;
    while (list.length != 0) {
        struct slice token = slice_next_item(&list, ',');
        if (is_protocol(token) && is_let_through(route->forward, token))
            return token;
    }
    return SLICE_NONE;
}

static char *put_upgrade(char *at, struct slice token)
{
    if (token.length == 0)
        return at;
    at = put_field(at, SLICE("Connection"), SLICE("upgrade"));
    return put_field(at, SLICE("Upgrade"), token);
}

void forward_build_head(const struct exchange *exchange, const struct plan_route *route, struct slice server_host,
                        int64_t body_length, struct text *out)
{
    const struct request_head *request = &exchange->request;
    text_clear(out);
    char *at = text_reserve(out, count_bytes(exchange, server_host));
    at = put_request_line(at, request, route->forward->strip);
    bool is_kept = route->forward->host == HOST_KEEP && request->authority.length != 0;
    at = put_field(at, SLICE("Host"), is_kept ? request->authority : server_host);
    for (size_t i = 0; i < request->headers.count; ++i) {
        const struct header *field = &request->headers.items[i];
        if (classify_field(field->name) == FIELD_PLAIN)
            at = put_field(at, field->name, field->value);
    }
    at = put_framing(at, request->method, body_length);
    at = put_forwarding(at, exchange);
    at = put_upgrade(at, forward_upgrade(exchange, route));
    at = put(at, SLICE("\r\n"));
    out->length = (size_t)(at - out->data);
    *at = '\0';
}

struct slice forward_strip(struct slice path, struct slice prefix)
{
    while (prefix.length != 0 && prefix.data[prefix.length - 1] == '/')
        --prefix.length;
    if (prefix.length == 0 || !slice_starts_with(path, prefix))
        return path;
    struct slice rest = slice_skip(path, prefix.length);
    if (rest.length == 0)
        return SLICE("/");
    return rest.data[0] == '/' ? rest : path;
}

bool forward_is_idempotent(struct slice method)
{
    static const struct slice methods[] = {{"GET", 3},     {"HEAD", 4},   {"PUT", 3},
                                           {"OPTIONS", 7}, {"DELETE", 6}, {"TRACE", 5}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); ++i) {
        if (slice_equals(method, methods[i]))
            return true;
    }
    return false;
}
