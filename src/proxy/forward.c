#include "proxy/forward.h"

enum {
    /* everything that is neither the client's text nor the server's host: field names, separators, a length */
    MOST_FIXED_BYTES = 768,
    /* what joining or writing a field adds to its name and value */
    FIELD_EXTRA_BYTES = 4,
    /* of the copies that a head may hold of the client's authority; one in quotes counts twice */
    AUTHORITY_COPIES = 4,
    /* as many times a request may have been here: several FlexiLibs in a row are nothing strange */
    MOST_PASSES = 10,
};

/* The fields that are not simply copied. Each but the first two is a bit in what was seen of a request. */
enum forwarded_field {
    FIELD_PLAIN = 0,
    FIELD_DROPPED = 1,
    FIELD_FOR = 1 << 1,
    FIELD_PROTO = 1 << 2,
    FIELD_HOST = 1 << 3,
    FIELD_STANDARD = 1 << 4,
    FIELD_VIA = 1 << 5,
};

static const struct slice forwarded_for = {"X-Forwarded-For", 15};
static const struct slice forwarded_proto = {"X-Forwarded-Proto", 17};
static const struct slice forwarded_host = {"X-Forwarded-Host", 16};
static const struct slice forwarded = {"Forwarded", 9};
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
    case 9:
        return slice_equals_nocase(name, forwarded) ? FIELD_STANDARD : FIELD_PLAIN;
    case 15:
        return slice_equals_nocase(name, forwarded_for) ? FIELD_FOR : FIELD_PLAIN;
    case 16:
        if (slice_equals_nocase(name, forwarded_host))
            return FIELD_HOST;
        break;
    case 17:
        if (slice_equals_nocase(name, forwarded_proto))
            return FIELD_PROTO;
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

struct slice forward_client_authority(const struct request_head *request)
{
    return request->client_authority.length != 0 ? request->client_authority : request->authority;
}

static size_t count_bytes(const struct exchange *exchange, const struct forward_settings *forward,
                          struct slice server_host)
{
    const struct request_head *request = &exchange->request;
    size_t bytes = MOST_FIXED_BYTES + request->method.length + request->path.length + request->query.length +
                   request->authority.length + AUTHORITY_COPIES * forward_client_authority(request).length +
                   server_host.length + forward->host_text.length + forward->prefix.length +
                   2 * (request->scheme.length + exchange->peer_address.length + exchange->proxy_address.length);
    for (size_t i = 0; i < request->headers.count; ++i)
        bytes += request->headers.items[i].name.length + request->headers.items[i].value.length + FIELD_EXTRA_BYTES;
    return bytes;
}

static struct slice without_slash(struct slice prefix)
{
    while (prefix.length != 0 && prefix.data[prefix.length - 1] == '/')
        --prefix.length;
    return prefix;
}

bool forward_take_prefix(struct slice *path, struct slice prefix)
{
    prefix = without_slash(prefix);
    if (!slice_starts_with(*path, prefix))
        return false;
    struct slice rest = slice_skip(*path, prefix.length);
    if (rest.length != 0 && rest.data[0] != '/')
        return false;
    *path = rest;
    return true;
}

static char *put_path(char *at, struct slice path, const struct forward_settings *forward)
{
    struct slice prefix = without_slash(forward->prefix);
    if (prefix.length == 0)
        return put(at, forward_strip(path, forward->strip));
    at = put(at, prefix);
    forward_take_prefix(&path, forward->strip);
    if (path.length != 0 && path.data[0] != '/')
        *at++ = '/';
    return put(at, path);
}

static char *put_request_line(char *at, const struct request_head *request, const struct forward_settings *forward)
{
    at = put(at, request->method);
    *at++ = ' ';
    at = put_path(at, request->path, forward);
    if (request->has_query) {
        *at++ = '?';
        at = put(at, request->query);
    }
    return put(at, SLICE(" HTTP/1.1\r\n"));
}

struct slice forward_host(const struct request_head *request, const struct forward_settings *forward,
                          struct slice server_host)
{
    if (forward->host == HOST_TEXT && forward->host_text.length != 0)
        return forward->host_text;
    return forward->host == HOST_KEEP && request->authority.length != 0 ? request->authority : server_host;
}

/* Copies what is copied, and returns in *seen what else there is. */
static char *put_fields(char *at, const struct headers *headers, unsigned *seen)
{
    *seen = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        const struct header *field = &headers->items[i];
        enum forwarded_field kind = classify_field(field->name);
        *seen |= kind;
        if (kind == FIELD_PLAIN)
            at = put_field(at, field->name, field->value);
    }
    return at;
}

/* Those that a trusted proxy or a filter has put there. */
static char *put_kept(char *at, const struct headers *headers, enum forwarded_field kind)
{
    for (size_t i = 0; i < headers->count; ++i) {
        const struct header *field = &headers->items[i];
        if (classify_field(field->name) == kind)
            at = put_field(at, field->name, field->value);
    }
    return at;
}

/* Begins a field with what the request's fields of that kind say, so that one value more can follow. Returns in
 * *value where its value begins. */
static char *put_earlier(char *at, const struct headers *headers, enum forwarded_field kind, unsigned seen,
                         struct slice name, char **value)
{
    at = put(at, name);
    at = put(at, SLICE(": "));
    *value = at;
    if ((seen & kind) == 0)
        return at;
    for (size_t i = 0; i < headers->count; ++i) {
        struct slice old = headers->items[i].value;
        if (old.length == 0 || classify_field(headers->items[i].name) != kind)
            continue;
        at = at == *value ? at : put(at, SLICE(", "));
        at = put(at, old);
    }
    return at;
}

static char *put_more(char *at, const char *value, struct slice more)
{
    if (more.length != 0 && at != value)
        at = put(at, SLICE(", "));
    return put(at, more);
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

static bool is_unix(struct slice address)
{
    return slice_equals(address, SLICE("unix:"));
}

/* Whom the connection is from. */
static struct slice nearest_address(const struct exchange *exchange)
{
    return exchange->proxy_address.length != 0 ? exchange->proxy_address : exchange->peer_address;
}

/* Where the client is known from fields of the other kind, it has to be named in front of its proxy. */
static bool has_untold_client(const struct exchange *exchange, bool has_chain)
{
    return !has_chain && exchange->proxy_address.length != 0 &&
           !slice_equals(exchange->proxy_address, exchange->peer_address);
}

static char *put_x_forwarded(char *at, const struct exchange *exchange, unsigned seen)
{
    const struct request_head *request = &exchange->request;
    struct slice nearest = nearest_address(exchange);
    char *start = at, *value;
    at = put_earlier(at, &request->headers, FIELD_FOR, seen, forwarded_for, &value);
    if (has_untold_client(exchange, at != value))
        at = put(at, exchange->peer_address);
    if (!is_unix(nearest))
        at = put_more(at, value, nearest);
    at = at == value ? start : put(at, SLICE("\r\n"));
    if ((seen & FIELD_PROTO) != 0)
        at = put_kept(at, &request->headers, FIELD_PROTO);
    else
        at = put_field(at, forwarded_proto, request->scheme);
    if ((seen & FIELD_HOST) != 0)
        at = put_kept(at, &request->headers, FIELD_HOST);
    else if (forward_client_authority(request).length != 0)
        at = put_field(at, forwarded_host, forward_client_authority(request));
    return at;
}

/* RFC 7239 section 6: what holds a colon has to stand in quotes, and an IPv6 address in brackets besides. */
static char *put_node(char *at, struct slice address)
{
    at = put(at, SLICE("for="));
    if (is_unix(address))
        return put(at, SLICE("unknown"));
    if (slice_find(address, ':') == address.length)
        return put(at, address);
    at = put(at, SLICE("\"["));
    at = put(at, address);
    return put(at, SLICE("]\""));
}

static char *put_quoted_host(char *at, struct slice host)
{
    if (header_is_name(host))
        return put(at, host);
    *at++ = '"';
    for (size_t i = 0; i < host.length; ++i) {
        if (host.data[i] == '"' || host.data[i] == '\\')
            *at++ = '\\';
        *at++ = host.data[i];
    }
    *at++ = '"';
    return at;
}

static char *put_forwarded(char *at, const struct exchange *exchange, unsigned seen)
{
    const struct request_head *request = &exchange->request;
    char *value;
    at = put_earlier(at, &request->headers, FIELD_STANDARD, seen, forwarded, &value);
    if (has_untold_client(exchange, at != value))
        at = put_node(at, exchange->peer_address);
    at = at == value ? at : put(at, SLICE(", "));
    at = put_node(at, nearest_address(exchange));
    if (forward_client_authority(request).length != 0) {
        at = put(at, SLICE(";host="));
        at = put_quoted_host(at, forward_client_authority(request));
    }
    at = put(at, SLICE(";proto="));
    at = put(at, request->scheme);
    return put(at, SLICE("\r\n"));
}

static char *put_forwarding(char *at, const struct exchange *exchange, enum forwarded_policy policy, unsigned seen)
{
    const struct headers *headers = &exchange->request.headers;
    if (policy == FORWARDED_NONE) {
        if ((seen & (FIELD_FOR | FIELD_PROTO | FIELD_HOST | FIELD_STANDARD)) != 0) {
            at = put_kept(at, headers, FIELD_FOR);
            at = put_kept(at, headers, FIELD_PROTO);
            at = put_kept(at, headers, FIELD_HOST);
            at = put_kept(at, headers, FIELD_STANDARD);
        }
        return at;
    }
    if (policy != FORWARDED_STANDARD)
        at = put_x_forwarded(at, exchange, seen);
    return policy == FORWARDED_X ? at : put_forwarded(at, exchange, seen);
}

static char *put_via(char *at, const struct request_head *request, unsigned seen)
{
    char *value;
    at = put_earlier(at, &request->headers, FIELD_VIA, seen, via, &value);
    if (request->is_http2)
        at = put_more(at, value, SLICE("2.0 flexilib"));
    else
        at = put_more(at, value, request->minor_version == 0 ? SLICE("1.0 flexilib") : SLICE("1.1 flexilib"));
    return put(at, SLICE("\r\n"));
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
    const struct forward_settings *forward = route->forward;
    unsigned seen;
    text_clear(out);
    char *at = text_reserve(out, count_bytes(exchange, forward, server_host));
    at = put_request_line(at, request, forward);
    at = put_field(at, SLICE("Host"), forward_host(request, forward, server_host));
    at = put_fields(at, &request->headers, &seen);
    at = put_framing(at, request->method, body_length);
    at = put_forwarding(at, exchange, forward->forwarded, seen);
    at = put_via(at, request, seen);
    at = put_upgrade(at, forward_upgrade(exchange, route));
    at = put(at, SLICE("\r\n"));
    out->length = (size_t)(at - out->data);
    *at = '\0';
}

struct slice forward_strip(struct slice path, struct slice prefix)
{
    forward_take_prefix(&path, prefix);
    return path.length != 0 ? path : SLICE("/");
}

/* Who received it, behind the protocol: RFC 9110 section 7.6.3. */
static bool is_own_pass(struct slice entry)
{
    struct slice by = slice_trim(slice_skip(entry, slice_find(entry, ' ')));
    return slice_equals(slice_of(by.data, slice_find(by, ' ')), SLICE("flexilib"));
}

bool forward_is_loop(const struct headers *headers)
{
    unsigned passes = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        if (!slice_equals_nocase(headers->items[i].name, via))
            continue;
        struct slice entries = headers->items[i].value;
        while (entries.length != 0)
            passes += is_own_pass(slice_next_item(&entries, ','));
    }
    return passes >= MOST_PASSES;
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
