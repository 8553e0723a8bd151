#include "filter/expansion.h"

#include "base/clock.h"
#include "filter/cookie.h"
#include "filter/request_parts.h"
#include "filter/trace.h"

#include <arpa/inet.h>

enum {
    DIGITS_OF_64_BITS = 20,
    NETWORK_BYTES = 8, /* of an IPv6 address: what belongs to one customer */
};

static struct slice join(struct arena *arena, const struct slice *parts, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; ++i)
        length += parts[i].length;
    char *text = arena_alloc(arena, length), *at = text;
    for (size_t i = 0; i < count; ++i) {
        if (parts[i].length != 0)
            memcpy(at, parts[i].data, parts[i].length);
        at += parts[i].length;
    }
    return slice_of(text, length);
}

static struct slice make_number(struct arena *arena, uint64_t number)
{
    char *end = (char *)arena_alloc(arena, DIGITS_OF_64_BITS) + DIGITS_OF_64_BITS, *start = end;
    do {
        *--start = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return slice_of(start, (size_t)(end - start));
}

static struct slice make_number_unless(struct arena *arena, uint64_t number, uint64_t absent)
{
    return number == absent ? SLICE_NONE : make_number(arena, number);
}

/* With three digits behind the point: milliseconds of microseconds, seconds of milliseconds. */
static struct slice make_thousandths(struct arena *arena, uint64_t number)
{
    unsigned rest = (unsigned)(number % 1000);
    char digits[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
    const struct slice parts[] = {make_number(arena, number / 1000), slice_of(digits, sizeof(digits))};
    return join(arena, parts, 2);
}

/* What the fields of that name say, with commas between; it is put together once, as there may be many of them. */
static struct slice join_fields(const struct headers *headers, struct slice name, struct arena *arena)
{
    struct slice *parts = arena_alloc(arena, 2 * headers->count * sizeof(*parts));
    size_t count = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        if (!slice_equals_nocase(headers->items[i].name, name))
            continue;
        if (count != 0)
            parts[count++] = SLICE(", ");
        parts[count++] = headers->items[i].value;
    }
    return join(arena, parts, count);
}

static struct slice find_header(const struct headers *headers, struct slice name, struct arena *arena)
{
    const struct header *first = headers_find(headers, name);
    if (first == NULL)
        return SLICE_NONE;
    for (const struct header *field = first + 1; field < headers->items + headers->count; ++field) {
        if (slice_equals_nocase(field->name, name))
            return join_fields(headers, name, arena);
    }
    return first->value;
}

static struct slice find_request_header(const struct request_head *request, struct slice name, struct arena *arena)
{
    return slice_equals_nocase(name, SLICE("host")) ? request->authority : find_header(&request->headers, name, arena);
}

static struct slice find_attribute(const struct exchange *exchange, struct slice name)
{
    const struct attribute *attribute = attributes_find(&exchange->attributes, name);
    return attribute == NULL ? SLICE_NONE : attribute->value;
}

static struct slice make_lower(struct slice text, struct arena *arena)
{
    size_t i = 0;
    while (i < text.length && text.data[i] == ascii_lower(text.data[i]))
        ++i;
    if (i == text.length)
        return text;
    char *lower = arena_alloc(arena, text.length);
    for (i = 0; i < text.length; ++i)
        lower[i] = ascii_lower(text.data[i]);
    return slice_of(lower, text.length);
}

static struct slice name_protocol(const struct request_head *request)
{
    if (request->is_http2)
        return SLICE("HTTP/2.0");
    return request->minor_version == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
}

static struct slice make_line(const struct request_head *request, struct arena *arena)
{
    const struct slice parts[] = {request->method, SLICE(" "), request->raw_target, SLICE(" "), name_protocol(request)};
    return join(arena, parts, sizeof(parts) / sizeof(parts[0]));
}

static struct slice make_uri(const struct request_head *request, struct arena *arena)
{
    if (!request->has_query)
        return request->path;
    return join(arena, (const struct slice[]){request->path, SLICE("?"), request->query}, 3);
}

/* An IPv6 address alone tells little: who has one has a network of them. */
static struct slice make_network(struct slice address, struct arena *arena)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    if (slice_find(address, ':') == address.length || address.length >= sizeof(text))
        return address;
    memcpy(text, address.data, address.length);
    text[address.length] = '\0';
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return address;
    memset(bytes + NETWORK_BYTES, 0, sizeof(bytes) - NETWORK_BYTES);
    inet_ntop(AF_INET6, bytes, text, sizeof(text));
    return join(arena, (const struct slice[]){slice_from_text(text), SLICE("/64")}, 2);
}

static struct slice find_request_value(const struct expansion *expansion, const struct template_part *part)
{
    struct exchange *exchange = expansion->exchange;
    const struct request_head *request = &exchange->request;
    switch (part->kind) {
    case PLACEHOLDER_METHOD:
        return request->method;
    case PLACEHOLDER_SCHEME:
        return request->scheme;
    case PLACEHOLDER_HOST:
        return make_lower(request_host(request), expansion->arena);
    case PLACEHOLDER_PORT:
        return request_port(request);
    case PLACEHOLDER_PATH:
        return request->path;
    case PLACEHOLDER_QUERY:
        return request->query;
    case PLACEHOLDER_PARAMETER:
        return request_parameter(request, part->text, expansion->arena);
    case PLACEHOLDER_URI:
        return make_uri(request, expansion->arena);
    case PLACEHOLDER_PROTOCOL:
        return name_protocol(request);
    case PLACEHOLDER_HEADER:
        return find_request_header(request, part->text, expansion->arena);
    case PLACEHOLDER_COOKIE:
        return cookie_find(&request->headers, part->text);
    case PLACEHOLDER_REQUEST_ID:
        return exchange->id;
    case PLACEHOLDER_REQUEST_LINE:
        return make_line(request, expansion->arena);
    case PLACEHOLDER_REQUEST_TARGET:
        return request->raw_target;
    case PLACEHOLDER_REQUEST_BYTES:
        return make_number(expansion->arena, exchange_request_bytes(exchange));
    case PLACEHOLDER_TRACE_ID:
        return trace_id(exchange);
    default:
        return exchange->route_name;
    }
}

static struct slice find_client_value(const struct expansion *expansion, const struct template_part *part)
{
    const struct exchange *exchange = expansion->exchange;
    switch (part->kind) {
    case PLACEHOLDER_CLIENT_ADDRESS:
        return exchange->peer_address;
    case PLACEHOLDER_CLIENT_NETWORK:
        return make_network(exchange->peer_address, expansion->arena);
    case PLACEHOLDER_CLIENT_PORT:
        return make_number_unless(expansion->arena, exchange->peer_port, 0);
    case PLACEHOLDER_CLIENT_NAME:
        return exchange->client_name;
    default:
        return exchange->proxy_address;
    }
}

/* Alternative names are told one a line. */
static struct slice join_lines(struct slice lines, struct arena *arena)
{
    if (slice_find(lines, '\n') == lines.length)
        return lines;
    char *text = arena_alloc(arena, 2 * lines.length);
    size_t length = 0;
    for (size_t i = 0; i < lines.length; ++i) {
        bool is_break = lines.data[i] == '\n';
        if (is_break && i + 1 == lines.length)
            break;
        text[length++] = is_break ? ',' : lines.data[i];
        if (is_break)
            text[length++] = ' ';
    }
    return slice_of(text, length);
}

static struct slice find_tls_value(const struct expansion *expansion, const struct template_part *part)
{
    static const flexilib_tls_fact facts[] = {
        [PLACEHOLDER_TLS_VERSION - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_VERSION,
        [PLACEHOLDER_TLS_CIPHER - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CIPHER,
        [PLACEHOLDER_TLS_PROTOCOL - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_PROTOCOL,
        [PLACEHOLDER_TLS_SNI - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_SERVER_NAME,
        [PLACEHOLDER_TLS_RESUMED - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_RESUMED,
        [PLACEHOLDER_TLS_CLIENT_VERIFIED - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_VERIFIED,
        [PLACEHOLDER_TLS_CLIENT_SUBJECT - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_SUBJECT,
        [PLACEHOLDER_TLS_CLIENT_ISSUER - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_ISSUER,
        [PLACEHOLDER_TLS_CLIENT_SERIAL - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_SERIAL,
        [PLACEHOLDER_TLS_CLIENT_FINGERPRINT - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_FINGERPRINT,
        [PLACEHOLDER_TLS_CLIENT_NAMES - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_NAMES,
        [PLACEHOLDER_TLS_CLIENT_NOT_BEFORE - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_NOT_BEFORE,
        [PLACEHOLDER_TLS_CLIENT_NOT_AFTER - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_NOT_AFTER,
        [PLACEHOLDER_TLS_CLIENT_CERT - PLACEHOLDER_TLS_VERSION] = FLEXILIB_TLS_CLIENT_CERT,
    };
    struct exchange_tls *tls = expansion->exchange->tls;
    if (tls == NULL)
        return SLICE_NONE;
    return join_lines(tls->find(tls, facts[part->kind - PLACEHOLDER_TLS_VERSION]), expansion->arena);
}

static struct slice find_response_value(const struct expansion *expansion, const struct template_part *part)
{
    const struct exchange *exchange = expansion->exchange;
    const struct response_head *response = &exchange->response;
    switch (part->kind) {
    case PLACEHOLDER_STATUS:
        return make_number_unless(expansion->arena, (uint64_t)response->status, 0);
    case PLACEHOLDER_RESPONSE_HEADER:
        return find_header(&response->headers, part->text, expansion->arena);
    case PLACEHOLDER_RESPONSE_BYTES:
        return response->status == 0 ? SLICE_NONE : make_number(expansion->arena, exchange->response_bytes);
    case PLACEHOLDER_UPSTREAM:
        return exchange->forwarding.upstream;
    case PLACEHOLDER_SERVER:
        return exchange->forwarding.server;
    default:
        return exchange->forwarding.upstream.length == 0 ? SLICE_NONE
                                                         : make_number(expansion->arena, exchange->forwarding.tries);
    }
}

static struct slice make_time(const struct expansion *expansion)
{
    char text[CLOCK_TEXT_BYTES];
    if (expansion->time.length != 0)
        return expansion->time;
    clock_format(text);
    return arena_copy(expansion->arena, slice_from_text(text));
}

static struct slice make_common_time(const struct expansion *expansion)
{
    char text[CLOCK_COMMON_BYTES];
    clock_format_common(text);
    return arena_copy(expansion->arena, slice_from_text(text));
}

static struct slice make_duration(const struct expansion *expansion, uint64_t time_us, bool is_known)
{
    return is_known ? make_thousandths(expansion->arena, time_us) : SLICE_NONE;
}

static struct slice find_measured_value(const struct expansion *expansion, const struct template_part *part)
{
    const struct exchange *exchange = expansion->exchange;
    const struct exchange_forwarding *forwarding = &exchange->forwarding;
    const struct expansion_times *times = expansion->times;
    switch (part->kind) {
    case PLACEHOLDER_TIME:
        return make_time(expansion);
    case PLACEHOLDER_TIME_COMMON:
        return make_common_time(expansion);
    case PLACEHOLDER_TIME_UNIX:
        return make_thousandths(expansion->arena, clock_unix_ms());
    case PLACEHOLDER_TIME_FIRST_BYTE:
        return make_duration(expansion, times == NULL ? 0 : times->first_byte_us, times != NULL);
    case PLACEHOLDER_TIME_LAST_BYTE:
        return make_duration(expansion, times == NULL ? 0 : times->last_byte_us, times != NULL);
    case PLACEHOLDER_TIME_WAITED:
        return make_duration(expansion, forwarding->waited_us, forwarding->upstream.length != 0);
    case PLACEHOLDER_TIME_ANSWERED:
        return make_duration(expansion, forwarding->answered_us, forwarding->is_answered);
    case PLACEHOLDER_MEMORY_READY:
        return make_number(expansion->arena, exchange->arena.ready_bytes);
    default:
        return make_number(expansion->arena, exchange->arena.taken_bytes);
    }
}

static struct slice find_value(const struct expansion *expansion, const struct template_part *part)
{
    if (part->kind == PLACEHOLDER_TEXT)
        return part->text;
    if (part->kind == PLACEHOLDER_ATTRIBUTE)
        return find_attribute(expansion->exchange, part->text);
    if (part->kind <= PLACEHOLDER_ROUTE)
        return find_request_value(expansion, part);
    if (part->kind <= PLACEHOLDER_PROXY_ADDRESS)
        return find_client_value(expansion, part);
    if (part->kind <= PLACEHOLDER_TLS_CLIENT_CERT)
        return find_tls_value(expansion, part);
    if (part->kind <= PLACEHOLDER_TRIES)
        return find_response_value(expansion, part);
    return find_measured_value(expansion, part);
}

struct slice expansion_value(const struct expansion *expansion, const struct template_part *part)
{
    struct slice value = find_value(expansion, part);
    return value.length != 0 || part->rest == NULL ? value : expansion_text(expansion, part->rest);
}

struct slice expansion_text(const struct expansion *expansion, const struct template *template)
{
    if (template->count == 1)
        return expansion_value(expansion, &template->parts[0]);
    struct slice *values = arena_alloc(expansion->arena, template->count * sizeof(*values));
    for (size_t i = 0; i < template->count; ++i)
        values[i] = expansion_value(expansion, &template->parts[i]);
    return join(expansion->arena, values, template->count);
}
