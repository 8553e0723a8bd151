#include "upstream/forward.h"

#include "http/forwarded.h"
#include "http/head_text.h"

enum {
    /* everything that is neither the client's text nor the server's host: field names, separators, a length */
    MOST_FIXED_BYTES = 768,
    /* what joining or writing a field adds to its name and value */
    FIELD_EXTRA_BYTES = 4,
    /* of the copies that a head may hold of the client's authority; one in quotes counts twice */
    AUTHORITY_COPIES = 4,
};

static size_t count_bytes(const struct exchange *exchange, const struct forward_settings *forward,
                          struct slice server_host)
{
    const struct request_head *request = &exchange->request;
    size_t bytes = MOST_FIXED_BYTES + request->method.length + request->path.length + request->query.length +
                   request->trailer_names.length + request->authority.length +
                   AUTHORITY_COPIES * forwarded_client_authority(request).length + server_host.length +
                   forward->host_text.length + forward->prefix.length +
                   2 * (request->scheme.length + exchange->peer_address.length + exchange->proxy_address.length);
    if (forward->tells_client_certificate)
        bytes += forwarded_client_cert(exchange).length;
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
        return head_put(at, forward_strip(path, forward->strip));
    at = head_put(at, prefix);
    forward_take_prefix(&path, forward->strip);
    if (path.length != 0 && path.data[0] != '/')
        *at++ = '/';
    return head_put(at, path);
}

static char *put_request_line(char *at, const struct request_head *request, const struct forward_settings *forward)
{
    at = head_put(at, request->method);
    *at++ = ' ';
    at = put_path(at, request->path, forward);
    if (request->has_query) {
        *at++ = '?';
        at = head_put(at, request->query);
    }
    return head_put(at, SLICE(" HTTP/1.1\r\n"));
}

struct slice forward_host(const struct request_head *request, const struct forward_settings *forward,
                          struct slice server_host)
{
    if (forward->host == HOST_TEXT && forward->host_text.length != 0)
        return forward->host_text;
    return forward->host == HOST_KEEP && request->authority.length != 0 ? request->authority : server_host;
}

/* RFC 9110 section 8.6: where the method gives a body a meaning, its absence is said too. */
static bool wants_length(struct slice method)
{
    return slice_equals(method, SLICE("POST")) || slice_equals(method, SLICE("PUT")) ||
           slice_equals(method, SLICE("PATCH"));
}

static char *put_framing(char *at, const struct request_head *request, int64_t body_length)
{
    if (body_length < 0 && request->trailer_names.length != 0)
        at = head_put_field(at, SLICE("Trailer"), request->trailer_names);
    if (body_length < 0)
        return head_put_field(at, SLICE("Transfer-Encoding"), SLICE("chunked"));
    if (body_length == 0 && !wants_length(request->method))
        return at;
    at = head_put(at, SLICE("Content-Length: "));
    at = head_put_number(at, (uint64_t)body_length);
    return head_put(at, SLICE("\r\n"));
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

/* What the server may do on this connection alone: RFC 9110 sections 7.8 and 10.1.4. */
static char *put_connection(char *at, struct slice upgrade, bool takes_trailers)
{
    if (upgrade.length != 0 || takes_trailers) {
        at = head_put(at, SLICE("Connection: "));
        at = head_put(at, upgrade.length != 0 ? SLICE("upgrade") : SLICE_NONE);
        at = head_put(at, upgrade.length != 0 && takes_trailers ? SLICE(", ") : SLICE_NONE);
        at = head_put(at, takes_trailers ? SLICE("TE\r\n") : SLICE("\r\n"));
    }
    at = takes_trailers ? head_put_field(at, SLICE("TE"), SLICE("trailers")) : at;
    return upgrade.length != 0 ? head_put_field(at, SLICE("Upgrade"), upgrade) : at;
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
    at = head_put_field(at, SLICE("Host"), forward_host(request, forward, server_host));
    at = forwarded_put_fields(at, &request->headers, &seen);
    at = put_framing(at, request, body_length);
    at = forwarded_put(at, exchange, forward->forwarded, seen);
    if (forward->tells_client_certificate)
        at = forwarded_put_client_cert(at, exchange);
    at = forwarded_put_via(at, request, seen);
    at = put_connection(at, forward_upgrade(exchange, route), request->takes_trailers);
    at = head_put(at, SLICE("\r\n"));
    out->length = (size_t)(at - out->data);
    *at = '\0';
}

struct slice forward_strip(struct slice path, struct slice prefix)
{
    forward_take_prefix(&path, prefix);
    return path.length != 0 ? path : SLICE("/");
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
