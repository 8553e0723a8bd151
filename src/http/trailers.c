#include "http/trailers.h"

#include "http/client_identity.h"
#include "http/head_text.h"

enum {
    LONGEST_KNOWN_BYTES = 32,
};

static const char *const forbidden_names[] = {
    "age",
    "allow",
    "authorization",
    "cache-control",
    "cdn-cache-control",
    "clear-site-data",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "from",
    "host",
    "http2-settings",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "set-cookie",
    "status",
    "strict-transport-security",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
};

/* Families: every field that begins so. */
static const char *const forbidden_prefixes[] = {
    "accept", "access-control-", "if-", "proxy-", "sec-", "x-accel-", "x-forwarded", "x-real-",
};

static bool is_forbidden(struct slice name)
{
    if (header_is_hop_by_hop(name) || client_identity_is_claim(name))
        return true;
    for (size_t i = 0; i < sizeof(forbidden_names) / sizeof(forbidden_names[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(forbidden_names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof(forbidden_prefixes) / sizeof(forbidden_prefixes[0]); ++i) {
        if (slice_starts_with_nocase(name, slice_from_text(forbidden_prefixes[i])))
            return true;
    }
    return false;
}

bool trailers_allow(struct slice name)
{
    char dashed[LONGEST_KNOWN_BYTES];
    size_t length = name.length < sizeof(dashed) ? name.length : sizeof(dashed);
    if (!header_is_name(name))
        return false;
    for (size_t i = 0; i < length; ++i)
        dashed[i] = name.data[i] == '_' ? '-' : name.data[i];
    /* a longer one can only be of a family */
    return !is_forbidden(slice_of(dashed, length));
}

static void add_copy(struct headers *trailers, struct arena *arena, struct slice name, struct slice value)
{
    headers_add(trailers, arena, arena_copy(arena, name), arena_copy(arena, value));
}

bool trailers_add(struct headers *trailers, struct arena *arena, const struct header *field)
{
    if (!header_is_name(field->name) || !header_is_value(field->value))
        return false;
    if (trailers_allow(field->name))
        add_copy(trailers, arena, field->name, field->value);
    return true;
}

static bool is_named(const struct trailer_section *section, struct slice name)
{
    for (size_t i = 0; i < section->named_count; ++i) {
        if (slice_equals_nocase(section->named[i], name))
            return true;
    }
    return false;
}

void trailers_take(struct headers *trailers, struct arena *arena, const struct trailer_section *section)
{
    struct slice lines = text_slice(&section->lines);
    while (lines.length != 0) {
        struct slice line = slice_of(lines.data, slice_find(lines, '\n'));
        struct slice name = slice_of(line.data, slice_find(line, ':'));
        if (trailers_allow(name) && !is_named(section, name))
            add_copy(trailers, arena, name, slice_trim(slice_skip(line, name.length + 1)));
        lines = slice_skip(lines, line.length + 1);
    }
}

struct slice trailers_announce(struct arena *arena, struct slice earlier, struct slice value)
{
    char *text = (char *)earlier.data;
    size_t length = earlier.length;
    while (value.length != 0) {
        struct slice name = slice_next_item(&value, ',');
        struct slice comma = length == 0 ? SLICE_NONE : SLICE(", ");
        if (!trailers_allow(name) || comma.length + name.length > TRAILERS_ANNOUNCED_BYTES - length)
            continue;
        if (text == NULL)
            text = arena_alloc(arena, TRAILERS_ANNOUNCED_BYTES);
        length = (size_t)(head_put(head_put(text + length, comma), name) - text);
    }
    return slice_of(text, length);
}

struct slice trailers_write_end(struct arena *arena, const struct headers *trailers)
{
    if (trailers->count == 0)
        return SLICE("0\r\n\r\n");
    size_t length = sizeof("0\r\n\r\n") - 1;
    for (size_t i = 0; i < trailers->count; ++i)
        length += trailers->items[i].name.length + trailers->items[i].value.length + 4;
    char *text = arena_alloc(arena, length);
    char *end = head_put(text, SLICE("0\r\n"));
    for (size_t i = 0; i < trailers->count; ++i)
        end = head_put_field(end, trailers->items[i].name, trailers->items[i].value);
    head_put(end, SLICE("\r\n"));
    return slice_of(text, length);
}
