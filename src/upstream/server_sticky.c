#include "upstream/server_sticky.h"

#include "filter/cookie.h"
#include "upstream/server_hash.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ID_DIGITS = 16,
};

static uint64_t make_id(const struct server *server, uint64_t name_hash)
{
    return server_hash_stir(server->id ^ name_hash);
}

static bool parse_id(struct slice digits, uint64_t *id)
{
    *id = 0;
    for (size_t i = 0; i < digits.length; ++i) {
        int digit = ascii_hexadecimal(digits.data[i]);
        if (digit < 0)
            return false;
        *id = *id << 4 | (unsigned)digit;
    }
    return digits.length == ID_DIGITS;
}

static bool find_id(const struct upstream_settings *upstream, const struct exchange *exchange, uint64_t *id)
{
    return parse_id(cookie_find(&exchange->request.headers, upstream->sticky.cookie), id);
}

struct server *server_sticky_find(const struct server_group *group, const struct exchange *exchange)
{
    uint64_t id;
    if (!find_id(group->upstream, exchange, &id))
        return NULL;
    uint64_t name_hash = server_hash_bytes(group->upstream->name);
    for (size_t i = 0; i < group->count; ++i) {
        if (make_id(&group->servers[i], name_hash) == id)
            return &group->servers[i];
    }
    return NULL;
}

static const char *name_same_site(enum same_site same_site)
{
    switch (same_site) {
    case SAME_SITE_STRICT:
        return "Strict";
    case SAME_SITE_NONE:
        return "None";
    case SAME_SITE_LAX:
        break;
    }
    return "Lax";
}

void server_mark_response(const struct server *server, struct exchange *exchange)
{
    enum {
        MAX_AGE_BYTES = sizeof("; Max-Age=-9223372036854775808"),
    };
    const struct sticky_settings *sticky = &server->upstream->sticky;
    if (sticky->cookie.length == 0)
        return;
    uint64_t id = make_id(server, server_hash_bytes(server->upstream->name)), sent;
    if (find_id(server->upstream, exchange, &sent) && sent == id)
        return;
    char max_age[MAX_AGE_BYTES] = "";
    if (sticky->max_age_ms > 0)
        snprintf(max_age, sizeof(max_age), "; Max-Age=%" PRId64, (sticky->max_age_ms + 999) / 1000);
    struct slice path = sticky->path.length == 0 ? SLICE("/") : sticky->path;
    struct slice value = arena_print(&exchange->arena, "%.*s=%016" PRIx64 "; Path=%.*s%s%s; HttpOnly; SameSite=%s",
                                     SLICE_ARG(sticky->cookie), id, SLICE_ARG(path), max_age,
                                     sticky->is_secure ? "; Secure" : "", name_same_site(sticky->same_site));
    headers_add(&exchange->response.headers, &exchange->arena, SLICE("Set-Cookie"), value);
}
