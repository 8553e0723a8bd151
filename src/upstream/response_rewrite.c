#include "upstream/response_rewrite.h"

#include "config/address.h"
#include "http/forwarded.h"
#include "upstream/cookie_rewrite.h"
#include "upstream/forward.h"

enum {
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
};

struct url {
    bool has_authority;
    struct slice scheme; /* empty where the URL leaves it to the request's */
    struct slice authority;
    struct slice rest; /* path, query and fragment */
};

static struct slice name_scheme(bool is_tls)
{
    return is_tls ? SLICE("https") : SLICE("http");
}

static size_t find_any(struct slice text, const char *ends)
{
    size_t position = 0;
    while (position < text.length && (text.data[position] == '\0' || strchr(ends, text.data[position]) == NULL))
        ++position;
    return position;
}

/* Returns false for what is relative to the request's path, or of another scheme. */
static bool split_url(struct slice text, struct url *url)
{
    *url = (struct url){.rest = text};
    if (slice_starts_with_nocase(text, SLICE("http://")))
        url->scheme = name_scheme(false);
    else if (slice_starts_with_nocase(text, SLICE("https://")))
        url->scheme = name_scheme(true);
    else if (!slice_starts_with(text, SLICE("//")))
        return slice_starts_with(text, SLICE("/"));
    url->has_authority = true;
    url->rest = slice_skip(text, url->scheme.length + (url->scheme.length != 0 ? 3 : 2));
    url->authority = slice_of(url->rest.data, find_any(url->rest, "/?#"));
    url->rest = slice_skip(url->rest, url->authority.length);
    return true;
}

static uint16_t port_of(const struct address *address, bool is_tls)
{
    return address->has_port ? address->port : is_tls ? HTTPS_PORT : HTTP_PORT;
}

static bool is_same_authority(struct slice a, struct slice b, bool is_tls)
{
    struct address left, right;
    return a.length != 0 && b.length != 0 && address_split(a, &left) == NULL && address_split(b, &right) == NULL &&
           left.is_bracketed == right.is_bracketed && slice_equals_nocase(left.host, right.host) &&
           port_of(&left, is_tls) == port_of(&right, is_tls);
}

/* Leaves a URL of the server's host with the client's scheme and authority. Returns false where it leads elsewhere. */
static bool map_authority(struct url *url, const struct exchange *exchange, const struct forward_settings *forward,
                          const struct response_origin *origin)
{
    const struct request_head *request = &exchange->request;
    struct slice own = forwarded_client_authority(request);
    bool is_tls = url->scheme.length != 0 ? slice_equals(url->scheme, SLICE("https")) : origin->is_tls;
    bool is_client_tls = slice_equals(request->scheme, SLICE("https"));
    bool is_own = is_same_authority(url->authority, own, is_tls);
    if (!is_own && !is_same_authority(url->authority, forward_host(request, forward, origin->host), is_tls) &&
        !is_same_authority(url->authority, origin->host, is_tls))
        return false;
    /* a server that is asked by http and answers by https wants the client to change to it */
    bool is_change = is_tls != origin->is_tls && is_tls != is_client_tls;
    if (url->scheme.length != 0 && !is_change && !(is_own && is_tls))
        url->scheme = name_scheme(is_client_tls);
    struct address address;
    if (!is_own && is_change && address_split(own, &address) == NULL && address.has_port)
        own.length = (size_t)(address.host.data - own.data) + address.host.length + address.is_bracketed;
    if (!is_own)
        url->authority = own;
    return true;
}

/* Returns in *front what has to stand before the rest of the path for the client. */
static void map_path(struct url *url, const struct forward_settings *forward, struct slice *front)
{
    struct slice path = slice_of(url->rest.data, find_any(url->rest, "?#"));
    struct slice after = path;
    *front = SLICE_NONE;
    if (!forward_take_prefix(&after, forward->prefix))
        return;
    *front = forward->strip;
    while (front->length != 0 && front->data[front->length - 1] == '/')
        --front->length;
    url->rest = slice_skip(url->rest, path.length - after.length);
    if (front->length + after.length == 0 && path.length != 0)
        *front = SLICE("/");
}

/* Without a host in front two slashes would lead to another one; browsers take a backslash for one of them. */
static bool is_misleading(const struct url *url, struct slice front)
{
    return !url->has_authority && front.length == 0 && url->rest.length > 1 && url->rest.data[0] == '/' &&
           (url->rest.data[1] == '/' || url->rest.data[1] == '\\');
}

struct slice response_rewrite_url(struct exchange *exchange, const struct forward_settings *forward,
                                  const struct response_origin *origin, struct slice text)
{
    struct url url;
    struct slice front;
    if (!split_url(text, &url) || (url.has_authority && !map_authority(&url, exchange, forward, origin)))
        return text;
    map_path(&url, forward, &front);
    if (url.has_authority && url.authority.length == 0) {
        url.has_authority = false;
        url.scheme = SLICE_NONE;
        front = front.length + url.rest.length == 0 ? SLICE("/") : front;
    }
    bool is_unchanged = front.length == 0 && url.rest.data == text.data;
    if (is_unchanged || is_misleading(&url, front))
        return text;
    struct slice colon = url.scheme.length != 0 ? SLICE(":") : SLICE_NONE;
    struct slice slashes = url.has_authority ? SLICE("//") : SLICE_NONE;
    return arena_print(&exchange->arena, "%.*s%.*s%.*s%.*s%.*s%.*s", SLICE_ARG(url.scheme), SLICE_ARG(colon),
                       SLICE_ARG(slashes), SLICE_ARG(url.authority), SLICE_ARG(front), SLICE_ARG(url.rest));
}

static size_t skip_blanks(struct slice text, size_t position)
{
    while (position < text.length && (text.data[position] == ' ' || text.data[position] == '\t'))
        ++position;
    return position;
}

/* The URL in `5; url=http://...`, which quotes may stand around; empty where there is none. */
static struct slice find_refresh_url(struct slice value)
{
    size_t position = skip_blanks(value, find_any(value, ";,") + 1);
    if (position >= value.length || !slice_starts_with_nocase(slice_skip(value, position), SLICE("url")))
        return SLICE_NONE;
    position = skip_blanks(value, position + 3);
    if (position >= value.length || value.data[position] != '=')
        return SLICE_NONE;
    struct slice url = slice_skip(value, skip_blanks(value, position + 1));
    if (url.length == 0 || (url.data[0] != '"' && url.data[0] != '\''))
        return url;
    url = slice_skip(url, 1);
    return slice_of(url.data, slice_find(url, url.data[-1]));
}

static struct slice map_refresh(struct exchange *exchange, const struct forward_settings *forward,
                                const struct response_origin *origin, struct slice value)
{
    struct slice url = find_refresh_url(value);
    if (url.length == 0)
        return value;
    struct slice mapped = response_rewrite_url(exchange, forward, origin, url);
    if (mapped.data == url.data)
        return value;
    struct slice before = slice_of(value.data, (size_t)(url.data - value.data));
    return arena_print(&exchange->arena, "%.*s%.*s%.*s", SLICE_ARG(before), SLICE_ARG(mapped),
                       SLICE_ARG(slice_skip(value, before.length + url.length)));
}

void response_rewrite(struct exchange *exchange, const struct forward_settings *forward,
                      const struct response_origin *origin)
{
    bool maps_cookies = forward->cookie_domain_count + forward->cookie_path_count != 0;
    if (!forward->maps_location && !maps_cookies)
        return;
    const struct headers *headers = &exchange->response.headers;
    for (size_t i = 0; i < headers->count; ++i) {
        struct header *field = &headers->items[i];
        struct slice name = field->name;
        if (maps_cookies && name.length == 10 && slice_equals_nocase(name, SLICE("set-cookie")))
            field->value = cookie_rewrite(field->value, forward, &exchange->arena);
        else if (!forward->maps_location)
            continue;
        else if ((name.length == 8 && slice_equals_nocase(name, SLICE("location"))) ||
                 (name.length == 16 && slice_equals_nocase(name, SLICE("content-location"))))
            field->value = response_rewrite_url(exchange, forward, origin, field->value);
        else if (name.length == 7 && slice_equals_nocase(name, SLICE("refresh")))
            field->value = map_refresh(exchange, forward, origin, field->value);
    }
}
