#include "http/client_identity.h"

#include "http/list_backwards.h"
#include "http/request_rules.h"

#include <arpa/inet.h>

/* Somebody who took part in bringing the request here. */
struct hop {
    unsigned char address[16];
    unsigned address_bytes; /* 0: on a unix socket */
    uint16_t port;
};

/* What a trusted proxy said of whom it had the request from. */
struct report {
    struct hop client;
    bool has_client;
    struct slice scheme, authority; /* empty where nothing was said */
    size_t depth;                   /* how many from the end of the list */
};

static const struct slice claims[] = {
    {"forwarded", 9},
    {"forwarded-for", 13},
    {"x-real-ip", 9},
    {"x-client-ip", 11},
    {"x-cluster-client-ip", 19},
    {"cluster-client-ip", 17},
    {"client-ip", 9},
    {"true-client-ip", 14},
    {"cf-connecting-ip", 16},
    {"cf-connecting-ipv6", 18},
    {"x-original-forwarded-for", 24},
    {"fastly-client-ip", 16},
    {"client-cert", 11},
    {"client-cert-chain", 17},
};

bool client_identity_is_claim(struct slice name)
{
    if (name.length < sizeof("client-ip") - 1 || strchr("xfct", ascii_lower(name.data[0])) == NULL)
        return false;
    if (slice_starts_with_nocase(name, SLICE("x-forwarded")))
        return name.length == sizeof("x-forwarded") - 1 || name.data[sizeof("x-forwarded") - 1] == '-';
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); ++i) {
        if (slice_equals_nocase(name, claims[i]))
            return true;
    }
    return false;
}

static void remove_claims(struct headers *headers)
{
    size_t kept = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        if (client_identity_is_claim(headers->items[i].name))
            continue;
        if (kept != i)
            headers->items[kept] = headers->items[i];
        ++kept;
    }
    headers->count = kept;
}

static bool is_trusted(const struct settings *settings, const struct hop *hop)
{
    return address_ranges_hold(settings->trusted_proxies, settings->trusted_proxy_count, hop->address,
                               hop->address_bytes);
}

static bool parse_address(struct slice text, struct hop *hop)
{
    return address_range_parse_address(text, hop->address, &hop->address_bytes);
}

/* RFC 7239 section 6.2: a number, or a word that begins with "_" in place of one. */
static bool parse_port(struct slice text, uint16_t *port)
{
    uint64_t number = 0;
    bool is_hidden = text.length > 1 && text.data[0] == '_' && header_is_name(text);
    if (!is_hidden && (!slice_parse_number(text, &number) || number > UINT16_MAX))
        return false;
    *port = (uint16_t)number;
    return true;
}

/* ADDRESS, IPV4:PORT, [IPV6] or [IPV6]:PORT. */
static bool parse_hop(struct slice text, struct hop *hop)
{
    *hop = (struct hop){0};
    if (text.length == 0)
        return false;
    size_t colon = slice_find(text, ':');
    bool is_bracketed = text.data[0] == '[';
    bool is_bare_v6 =
        !is_bracketed && colon < text.length && memchr(text.data + colon + 1, ':', text.length - colon - 1) != NULL;
    if (is_bare_v6)
        return parse_address(text, hop);
    size_t end = is_bracketed ? slice_find(text, ']') : colon;
    struct slice address = slice_of(text.data, end), rest = slice_skip(text, end);
    if (is_bracketed) {
        if (rest.length == 0 || colon > end)
            return false;
        address = slice_skip(address, 1);
        rest = slice_skip(rest, 1);
    }
    if (!parse_address(address, hop))
        return false;
    return rest.length == 0 || (rest.data[0] == ':' && parse_port(slice_skip(rest, 1), &hop->port));
}

static bool parse_peer(struct slice text, struct hop *hop)
{
    *hop = (struct hop){0};
    return slice_equals(text, SLICE("unix:")) || parse_hop(text, hop);
}

/* Notes whom the proxy had the request from. Returns whether that one's own word counts too. */
static bool note_client(struct report *report, const struct settings *settings, struct slice text)
{
    struct hop hop;
    if (!parse_hop(text, &hop))
        return false;
    report->client = hop;
    report->has_client = true;
    return is_trusted(settings, &hop);
}

static void read_list(struct report *report, const struct settings *settings, const struct headers *headers)
{
    struct list_backwards list = list_backwards_start(headers, SLICE("x-forwarded-for"));
    struct slice item;
    do {
        if (!list_backwards_next(&list, &item))
            return;
        ++report->depth;
    } while (note_client(report, settings, item));
}

/* Takes the quotes off a value; the escapes inside come off in place of the arena's copy. */
static struct slice unquote(struct slice value, struct arena *arena)
{
    if (value.length < 2 || value.data[0] != '"' || value.data[value.length - 1] != '"')
        return value;
    value = slice_of(value.data + 1, value.length - 2);
    if (slice_find(value, '\\') == value.length)
        return value;
    char *plain = arena_alloc(arena, value.length);
    size_t length = 0;
    for (size_t i = 0; i < value.length; ++i) {
        if (value.data[i] == '\\' && i + 1 < value.length)
            ++i;
        plain[length++] = value.data[i];
    }
    return slice_of(plain, length);
}

/* One NAME=VALUE of an element. Returns false where it is none, or the name has been there. */
static bool read_pair(struct slice pair, struct arena *arena, struct slice *by_for, struct report *said)
{
    size_t equals = slice_find(pair, '=');
    struct slice name = slice_of(pair.data, equals);
    if (equals == pair.length || !header_is_name(name))
        return false;
    struct slice *place = NULL;
    if (slice_equals_nocase(name, SLICE("for")))
        place = by_for;
    else if (slice_equals_nocase(name, SLICE("proto")))
        place = &said->scheme;
    else if (slice_equals_nocase(name, SLICE("host")))
        place = &said->authority;
    if (place == NULL)
        return true;
    if (place->length != 0)
        return false;
    *place = unquote(slice_skip(pair, equals + 1), arena);
    return true;
}

static bool read_element(struct slice element, struct arena *arena, struct slice *by_for, struct report *said)
{
    while (element.length != 0) {
        struct slice pair = list_backwards_take(&element, ';');
        if (pair.length != 0 && !read_pair(pair, arena, by_for, said))
            return false;
    }
    return true;
}

static void read_forwarded(struct report *report, const struct settings *settings, const struct headers *headers,
                           struct arena *arena)
{
    struct list_backwards list = list_backwards_start(headers, SLICE("forwarded"));
    struct slice element, by_for;
    do {
        struct report said = {0};
        by_for = SLICE_NONE;
        if (!list_backwards_next(&list, &element) || !read_element(element, arena, &by_for, &said))
            return;
        report->scheme = said.scheme;
        report->authority = said.authority;
    } while (note_client(report, settings, by_for));
}

/* What the field says of the client: as far from its end as the client is in X-Forwarded-For where every proxy has
 * added to it, or the only thing it says. */
static struct slice read_item(const struct headers *headers, struct slice name, size_t depth)
{
    struct list_backwards list = list_backwards_start(headers, name);
    struct slice item, found = SLICE_NONE;
    do {
        if (!list_backwards_next(&list, &item))
            break;
        found = item;
    } while (depth-- > 1);
    return found;
}

static bool is_scheme(struct slice text)
{
    return slice_equals_nocase(text, SLICE("http")) || slice_equals_nocase(text, SLICE("https"));
}

/* X-Forwarded-Proto and -Host speak for themselves; what makes no sense of them goes no further. */
static void read_x_fields(struct report *report, struct headers *headers)
{
    struct slice scheme = read_item(headers, SLICE("x-forwarded-proto"), report->depth);
    struct slice authority = read_item(headers, SLICE("x-forwarded-host"), report->depth);
    if (is_scheme(scheme))
        report->scheme = scheme;
    else
        headers_remove(headers, SLICE("x-forwarded-proto"));
    if (request_rules_is_authority(authority))
        report->authority = authority;
    else
        headers_remove(headers, SLICE("x-forwarded-host"));
}

static void use_hop(struct exchange *exchange, const struct hop *hop)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(hop->address_bytes == 16 ? AF_INET6 : AF_INET, hop->address, text, sizeof(text));
    exchange->peer_address = arena_copy(&exchange->arena, slice_from_text(text));
    exchange->peer_port = hop->port;
}

static bool believe(struct exchange *exchange, const struct settings *settings)
{
    struct report report = {0};
    struct headers *headers = &exchange->request.headers;
    if (headers_find(headers, SLICE("x-forwarded-for")) != NULL)
        read_list(&report, settings, headers);
    else
        read_forwarded(&report, settings, headers, &exchange->arena);
    read_x_fields(&report, headers);
    exchange->proxy_address = exchange->peer_address;
    if (report.has_client)
        use_hop(exchange, &report.client);
    if (request_rules_is_authority(report.authority))
        exchange->request.client_authority = report.authority;
    if (!is_scheme(report.scheme))
        return false;
    exchange->request.scheme = slice_equals_nocase(report.scheme, SLICE("https")) ? SLICE("https") : SLICE("http");
    return true;
}

bool client_identity_settle(struct exchange *exchange, const struct settings *settings)
{
    struct hop peer;
    exchange->request.client_authority = exchange->request.authority;
    if (settings->trusted_proxy_count != 0 && parse_peer(exchange->peer_address, &peer) && is_trusted(settings, &peer))
        return believe(exchange, settings);
    remove_claims(&exchange->request.headers);
    return false;
}
