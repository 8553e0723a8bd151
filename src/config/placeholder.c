#include "config/placeholder.h"

#include "base/suggest.h"
#include "config/pattern.h"
#include "config/wording.h"

struct placeholder {
    const char *name; /* with a "." at its end where a name of the operator's follows */
    enum placeholder_kind kind;
    bool is_number;
};

enum {
    LONGEST_ATTRIBUTE_BYTES = 128,
};

static const struct placeholder placeholders[] = {
    {"method", PLACEHOLDER_METHOD, false},
    {"scheme", PLACEHOLDER_SCHEME, false},
    {"host", PLACEHOLDER_HOST, false},
    {"port", PLACEHOLDER_PORT, false},
    {"path", PLACEHOLDER_PATH, false},
    {"query", PLACEHOLDER_QUERY, false},
    {"query.", PLACEHOLDER_PARAMETER, false},
    {"uri", PLACEHOLDER_URI, false},
    {"protocol", PLACEHOLDER_PROTOCOL, false},
    {"header.", PLACEHOLDER_HEADER, false},
    {"cookie.", PLACEHOLDER_COOKIE, false},
    {"request.id", PLACEHOLDER_REQUEST_ID, false},
    {"request.line", PLACEHOLDER_REQUEST_LINE, false},
    {"request.target", PLACEHOLDER_REQUEST_TARGET, false},
    {"request.bytes", PLACEHOLDER_REQUEST_BYTES, true},
    {"trace.id", PLACEHOLDER_TRACE_ID, false},
    {"route", PLACEHOLDER_ROUTE, false},
    {"client.address", PLACEHOLDER_CLIENT_ADDRESS, false},
    {"client.network", PLACEHOLDER_CLIENT_NETWORK, false},
    {"client.port", PLACEHOLDER_CLIENT_PORT, true},
    {"client.name", PLACEHOLDER_CLIENT_NAME, false},
    {"proxy.address", PLACEHOLDER_PROXY_ADDRESS, false},
    {"tls.version", PLACEHOLDER_TLS_VERSION, false},
    {"tls.cipher", PLACEHOLDER_TLS_CIPHER, false},
    {"tls.protocol", PLACEHOLDER_TLS_PROTOCOL, false},
    {"tls.sni", PLACEHOLDER_TLS_SNI, false},
    {"tls.resumed", PLACEHOLDER_TLS_RESUMED, false},
    {"tls.client.verified", PLACEHOLDER_TLS_CLIENT_VERIFIED, false},
    {"tls.client.subject", PLACEHOLDER_TLS_CLIENT_SUBJECT, false},
    {"tls.client.issuer", PLACEHOLDER_TLS_CLIENT_ISSUER, false},
    {"tls.client.serial", PLACEHOLDER_TLS_CLIENT_SERIAL, false},
    {"tls.client.fingerprint", PLACEHOLDER_TLS_CLIENT_FINGERPRINT, false},
    {"tls.client.names", PLACEHOLDER_TLS_CLIENT_NAMES, false},
    {"tls.client.not_before", PLACEHOLDER_TLS_CLIENT_NOT_BEFORE, false},
    {"tls.client.not_after", PLACEHOLDER_TLS_CLIENT_NOT_AFTER, false},
    {"tls.client.cert", PLACEHOLDER_TLS_CLIENT_CERT, false},
    {"status", PLACEHOLDER_STATUS, true},
    {"response.header.", PLACEHOLDER_RESPONSE_HEADER, false},
    {"response.bytes", PLACEHOLDER_RESPONSE_BYTES, true},
    {"upstream", PLACEHOLDER_UPSTREAM, false},
    {"server", PLACEHOLDER_SERVER, false},
    {"tries", PLACEHOLDER_TRIES, true},
    {"time", PLACEHOLDER_TIME, false},
    {"time.common", PLACEHOLDER_TIME_COMMON, false},
    {"time.unix", PLACEHOLDER_TIME_UNIX, true},
    {"time.first_byte", PLACEHOLDER_TIME_FIRST_BYTE, true},
    {"time.last_byte", PLACEHOLDER_TIME_LAST_BYTE, true},
    {"time.waited", PLACEHOLDER_TIME_WAITED, true},
    {"time.answered", PLACEHOLDER_TIME_ANSWERED, true},
    {"memory.ready", PLACEHOLDER_MEMORY_READY, true},
    {"memory.taken", PLACEHOLDER_MEMORY_TAKEN, true},
};

enum {
    PLACEHOLDER_COUNT = sizeof(placeholders) / sizeof(placeholders[0]),
};

/* First words that attributes cannot have besides those in the table: for placeholders to come, and for what is likely
 * a slip. */
static const char *const reserved[] = {
    "args",   "connection", "cookies", "env",    "flexilib", "headers",   "http",      "listener", "local",
    "params", "parameter",  "queries", "remote", "requests", "responses", "upstreams", "worker",
};

/* What other programs, and people, call it. */
static const struct {
    const char *written, *meant;
} meanings[] = {
    {"bytes", "response.bytes"},
    {"client.ip", "client.address"},
    {"duration", "time.last_byte"},
    {"ip", "client.address"},
    {"referer", "header.referer"},
    {"remote_addr", "client.address"},
    {"request.host", "host"},
    {"request.method", "method"},
    {"request.path", "path"},
    {"request.uri", "uri"},
    {"request_uri", "request.target"},
    {"response.status", "status"},
    {"tls.subject", "tls.client.subject"},
    {"user_agent", "header.user-agent"},
};

/* A name of the operator's follows. */
static bool ends_open(struct slice known)
{
    return slice_ends_with(known, SLICE("."));
}

static struct slice first_word(struct slice name)
{
    return slice_of(name.data, slice_find(name, '.'));
}

static bool is_taken(struct slice word)
{
    for (size_t i = 0; i < PLACEHOLDER_COUNT; ++i) {
        if (slice_equals(first_word(slice_from_text(placeholders[i].name)), word))
            return true;
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); ++i) {
        if (slice_equals(slice_from_text(reserved[i]), word))
            return true;
    }
    return false;
}

static bool has_attribute_characters(struct slice name)
{
    for (size_t i = 0; i < name.length; ++i) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && (c == '\0' || strchr(".-_", c) == NULL))
            return false;
    }
    return true;
}

const char *placeholder_refuse_attribute(struct slice name)
{
    size_t dot = slice_find(name, '.');
    if (!has_attribute_characters(name))
        return "an attribute's name is made of a-z, 0-9, '.', '-' and '_'";
    if (dot == 0 || dot + 1 >= name.length || name.length > LONGEST_ATTRIBUTE_BYTES)
        return "an attribute's name is FILTER.NAME, of 128 characters at most";
    return is_taken(first_word(name)) ? "names of attributes do not begin with a word of FlexiLib's own" : NULL;
}

/* Fields that no exchange shows, with what is meant instead. */
static const char *refuse_field(struct slice name, bool is_response, struct arena *arena)
{
    static const char *const framing[] = {"connection", "keep-alive",        "proxy-connection", "te",
                                          "trailer",    "transfer-encoding", "upgrade"};
    if (!pattern_is_token(name))
        return arena_print(arena, "'%s' cannot be the name of a header field", wording_quote(arena, name)).data;
    if (slice_equals_nocase(name, SLICE("content-length")))
        return is_response ? "the field Content-Length is not to be had: '{response.bytes}' counts what was sent"
                           : "the field Content-Length is not to be had: '{request.bytes}' counts what has come";
    for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(framing[i])))
            return arena_print(arena, "the field '%.*s' belongs to one connection and is not to be had",
                               SLICE_ARG(name))
                .data;
    }
    return NULL;
}

static const char *refuse_own(enum placeholder_kind kind, struct slice name, struct slice own, struct arena *arena)
{
    if (own.length == 0)
        return arena_print(arena, "a name is missing here: '{%.*sNAME}'", SLICE_ARG(name)).data;
    if (kind == PLACEHOLDER_HEADER || kind == PLACEHOLDER_RESPONSE_HEADER)
        return refuse_field(own, kind == PLACEHOLDER_RESPONSE_HEADER, arena);
    if (kind == PLACEHOLDER_COOKIE && !pattern_is_token(own))
        return arena_print(arena, "'%s' cannot be the name of a cookie", wording_quote(arena, own)).data;
    return NULL;
}

static const char *guess_meaning(struct slice name, struct arena *arena, char phrase[SUGGEST_PHRASE_BYTES])
{
    struct suggest suggest = suggest_start(name);
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); ++i) {
        if (slice_equals(name, slice_from_text(meanings[i].written)))
            return arena_print(arena, " (did you mean '%s'?)", meanings[i].meant).data;
    }
    for (size_t i = 0; i < PLACEHOLDER_COUNT; ++i) {
        struct slice known = slice_from_text(placeholders[i].name);
        suggest_offer(&suggest, ends_open(known) ? arena_print(arena, "%sNAME", placeholders[i].name) : known);
    }
    return suggest_phrase(&suggest, phrase);
}

static const char *refuse_unknown(struct slice name, struct arena *arena)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    for (size_t i = 0; i < PLACEHOLDER_COUNT; ++i) {
        struct slice known = slice_from_text(placeholders[i].name);
        if (ends_open(known) && slice_equals(name, slice_of(known.data, known.length - 1)))
            return refuse_own(placeholders[i].kind, known, SLICE_NONE, arena);
    }
    return arena_print(arena, "'{%s}' stands for nothing%s", wording_quote(arena, name),
                       guess_meaning(name, arena, phrase))
        .data;
}

const char *placeholder_find(struct slice name, enum placeholder_kind *kind, struct slice *own, struct arena *arena)
{
    for (size_t i = 0; i < PLACEHOLDER_COUNT; ++i) {
        struct slice known = slice_from_text(placeholders[i].name);
        *kind = placeholders[i].kind;
        *own = slice_of(name.data, 0);
        if (slice_equals(name, known) && !ends_open(known))
            return NULL;
        if (!ends_open(known) || !slice_starts_with(name, known))
            continue;
        *own = slice_skip(name, known.length);
        return refuse_own(*kind, name, *own, arena);
    }
    *kind = PLACEHOLDER_ATTRIBUTE;
    *own = name;
    if (slice_find(name, '.') == name.length || is_taken(first_word(name)))
        return refuse_unknown(name, arena);
    const char *problem = placeholder_refuse_attribute(name);
    return problem == NULL ? NULL : arena_print(arena, "'{%s}': %s", wording_quote(arena, name), problem).data;
}

bool placeholder_is_number(enum placeholder_kind kind)
{
    for (size_t i = 0; i < PLACEHOLDER_COUNT; ++i) {
        if (placeholders[i].kind == kind)
            return placeholders[i].is_number;
    }
    return false;
}
