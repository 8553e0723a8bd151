#include "front/request_fields.h"

#include "filter/headers.h"
#include "http/client_identity.h"

enum {
    LONGEST_ALIAS_BYTES = 32,
};

static const struct {
    struct slice name;
    enum request_field field;
} own_fields[] = {
    {{"host", 4}, REQUEST_FIELD_HOST},
    {{"connection", 10}, REQUEST_FIELD_CONNECTION},
    {{"proxy-connection", 16}, REQUEST_FIELD_PROXY_CONNECTION},
    {{"content-length", 14}, REQUEST_FIELD_CONTENT_LENGTH},
    {{"transfer-encoding", 17}, REQUEST_FIELD_TRANSFER_ENCODING},
    {{"expect", 6}, REQUEST_FIELD_EXPECT},
    {{"upgrade", 7}, REQUEST_FIELD_UPGRADE},
    {{"te", 2}, REQUEST_FIELD_TE},
    {{"trailer", 7}, REQUEST_FIELD_TRAILER},
    {{"http2-settings", 14}, REQUEST_FIELD_DROPPED},
};

static const char *const protected_names[] = {
    "accept",  "authorization", "cache-control", "cookie",     "date",   "forwarded",
    "from",    "host",          "max-forwards",  "origin",     "pragma", "range",
    "referer", "traceparent",   "tracestate",    "user-agent", "via",
};

/* Families: every field that begins so. */
static const char *const protected_prefixes[] = {
    "accept-", "access-control-", "content-", "if-", "sec-", "x-forwarded-", "x-real-", "x-request-",
};

static enum request_field find_own(struct slice name)
{
    for (size_t i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); ++i) {
        if (name.length == own_fields[i].name.length && slice_equals_nocase(name, own_fields[i].name))
            return own_fields[i].field;
    }
    return header_is_hop_by_hop(name) ? REQUEST_FIELD_DROPPED : REQUEST_FIELD_PLAIN;
}

/* Programs behind a CGI-like interface cannot tell "_" from "-": to them X_Forwarded_For is ours. */
static bool is_alias(struct slice name)
{
    char dashed[LONGEST_ALIAS_BYTES];
    if (name.length > sizeof(dashed) || slice_find(name, '_') == name.length)
        return false;
    for (size_t i = 0; i < name.length; ++i)
        dashed[i] = name.data[i] == '_' ? '-' : name.data[i];
    struct slice meant = slice_of(dashed, name.length);
    return client_identity_is_claim(meant) || find_own(meant) != REQUEST_FIELD_PLAIN;
}

enum request_field request_field_classify(struct slice name)
{
    enum request_field field = find_own(name);
    if (field == REQUEST_FIELD_PLAIN && is_alias(name))
        return REQUEST_FIELD_DROPPED;
    return field;
}

bool request_field_is_protected(struct slice name)
{
    for (size_t i = 0; i < sizeof(protected_names) / sizeof(protected_names[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(protected_names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof(protected_prefixes) / sizeof(protected_prefixes[0]); ++i) {
        if (slice_starts_with_nocase(name, slice_from_text(protected_prefixes[i])))
            return true;
    }
    return false;
}
