#include "http/forwarded.h"

#include "http/head_text.h"

enum {
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
static const struct slice client_cert = {"Client-Cert", 11};

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

struct slice forwarded_client_authority(const struct request_head *request)
{
    return request->client_authority.length != 0 ? request->client_authority : request->authority;
}

char *forwarded_put_fields(char *at, const struct headers *headers, unsigned *seen)
{
    *seen = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        const struct header *field = &headers->items[i];
        enum forwarded_field kind = classify_field(field->name);
        *seen |= kind;
        if (kind == FIELD_PLAIN)
            at = head_put_field(at, field->name, field->value);
    }
    return at;
}

/* Those that a trusted proxy or a filter has put there. */
static char *put_kept(char *at, const struct headers *headers, enum forwarded_field kind)
{
    for (size_t i = 0; i < headers->count; ++i) {
        const struct header *field = &headers->items[i];
        if (classify_field(field->name) == kind)
            at = head_put_field(at, field->name, field->value);
    }
    return at;
}

/* Begins a field with what the request's fields of that kind say, so that one value more can follow. Returns in
 * *value where its value begins. */
static char *put_earlier(char *at, const struct headers *headers, enum forwarded_field kind, unsigned seen,
                         struct slice name, char **value)
{
    at = head_put(at, name);
    at = head_put(at, SLICE(": "));
    *value = at;
    if ((seen & kind) == 0)
        return at;
    for (size_t i = 0; i < headers->count; ++i) {
        struct slice old = headers->items[i].value;
        if (old.length == 0 || classify_field(headers->items[i].name) != kind)
            continue;
        at = at == *value ? at : head_put(at, SLICE(", "));
        at = head_put(at, old);
    }
    return at;
}

static char *put_more(char *at, const char *value, struct slice more)
{
    if (more.length != 0 && at != value)
        at = head_put(at, SLICE(", "));
    return head_put(at, more);
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
        at = head_put(at, exchange->peer_address);
    if (!is_unix(nearest))
        at = put_more(at, value, nearest);
    at = at == value ? start : head_put(at, SLICE("\r\n"));
    if ((seen & FIELD_PROTO) != 0)
        at = put_kept(at, &request->headers, FIELD_PROTO);
    else
        at = head_put_field(at, forwarded_proto, request->scheme);
    if ((seen & FIELD_HOST) != 0)
        at = put_kept(at, &request->headers, FIELD_HOST);
    else if (forwarded_client_authority(request).length != 0)
        at = head_put_field(at, forwarded_host, forwarded_client_authority(request));
    return at;
}

/* RFC 7239 section 6: what holds a colon has to stand in quotes, and an IPv6 address in brackets besides. */
static char *put_node(char *at, struct slice address)
{
    at = head_put(at, SLICE("for="));
    if (is_unix(address))
        return head_put(at, SLICE("unknown"));
    if (slice_find(address, ':') == address.length)
        return head_put(at, address);
    at = head_put(at, SLICE("\"["));
    at = head_put(at, address);
    return head_put(at, SLICE("]\""));
}

static char *put_quoted_host(char *at, struct slice host)
{
    if (header_is_name(host))
        return head_put(at, host);
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
    at = at == value ? at : head_put(at, SLICE(", "));
    at = put_node(at, nearest_address(exchange));
    if (forwarded_client_authority(request).length != 0) {
        at = head_put(at, SLICE(";host="));
        at = put_quoted_host(at, forwarded_client_authority(request));
    }
    at = head_put(at, SLICE(";proto="));
    at = head_put(at, request->scheme);
    return head_put(at, SLICE("\r\n"));
}

char *forwarded_put(char *at, const struct exchange *exchange, enum forwarded_policy policy, unsigned seen)
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

/* A trusted proxy's own certificate is not the client's. */
struct slice forwarded_client_cert(const struct exchange *exchange)
{
    bool is_told = exchange->tls == NULL || exchange->proxy_address.length != 0 ||
                   headers_find(&exchange->request.headers, client_cert) != NULL;
    return is_told ? SLICE_NONE : exchange->tls->find(exchange->tls, FLEXILIB_TLS_CLIENT_CERT);
}

char *forwarded_put_client_cert(char *at, const struct exchange *exchange)
{
    struct slice value = forwarded_client_cert(exchange);
    return value.length == 0 ? at : head_put_field(at, client_cert, value);
}

char *forwarded_put_via(char *at, const struct request_head *request, unsigned seen)
{
    char *value;
    at = put_earlier(at, &request->headers, FIELD_VIA, seen, via, &value);
    if (request->is_http2)
        at = put_more(at, value, SLICE("2.0 flexilib"));
    else
        at = put_more(at, value, request->minor_version == 0 ? SLICE("1.0 flexilib") : SLICE("1.1 flexilib"));
    return head_put(at, SLICE("\r\n"));
}

/* Who received it, behind the protocol: RFC 9110 section 7.6.3. */
static bool is_own_pass(struct slice entry)
{
    struct slice by = slice_trim(slice_skip(entry, slice_find(entry, ' ')));
    return slice_equals(slice_of(by.data, slice_find(by, ' ')), SLICE("flexilib"));
}

bool forwarded_is_loop(const struct headers *headers)
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
