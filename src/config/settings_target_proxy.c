#include "base/suggest.h"
#include "config/path_spelling.h"
#include "config/server_url.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    PROXY_TO = 0,
    PROXY_STRIP,
    PROXY_PREFIX,
    PROXY_HOST,
    PROXY_FORWARDED,
    PROXY_CLIENT_CERTIFICATE,
    PROXY_LOCATION,
    PROXY_COOKIE_DOMAIN,
    PROXY_COOKIE_PATH,
    PROXY_UPGRADE,
    PROXY_FIELDS,
};

static const char *const forwarded_policies[] = {
    [FORWARDED_X] = "x", [FORWARDED_STANDARD] = "standard", [FORWARDED_BOTH] = "both", [FORWARDED_NONE] = "none", NULL,
};

static const char *const location_policies[] = {"map", "keep", NULL};

static const struct field fields[PROXY_FIELDS] = {
    [PROXY_TO] = {.name = "to", .type = FIELD_TEXT, .required = true, .summary = "an upstream's name, or a URL"},
    [PROXY_STRIP] = {.name = "strip", .type = FIELD_TEXT, .summary = "path prefix that is taken off"},
    [PROXY_PREFIX] = {.name = "prefix", .type = FIELD_TEXT, .summary = "path prefix that is put in front, after that"},
    [PROXY_HOST] = {.name = "host",
                    .type = FIELD_TEXT,
                    .fallback = "keep",
                    .summary = "keep: send the client's Host on; server: send the server's; else: send this one"},
    [PROXY_FORWARDED] = {.name = "forwarded",
                         .type = FIELD_CHOICE,
                         .fallback = "x",
                         .choices = forwarded_policies,
                         .summary = "x: X-Forwarded-For, -Proto and -Host; standard: Forwarded"},
    [PROXY_CLIENT_CERTIFICATE] = {.name = "client_certificate",
                                  .type = FIELD_BOOL,
                                  .fallback = "no",
                                  .summary = "whether the server is told of the client's certificate, by Client-Cert"},
    [PROXY_LOCATION] = {.name = "location",
                        .type = FIELD_CHOICE,
                        .fallback = "map",
                        .choices = location_policies,
                        .summary = "whether Location is mapped from the server's names to the client's"},
    [PROXY_COOKIE_DOMAIN] = {.name = "cookie_domain",
                             .type = FIELD_MAP,
                             .summary = "domains of cookies to what they become; \"\" takes them out"},
    [PROXY_COOKIE_PATH] = {.name = "cookie_path",
                           .type = FIELD_MAP,
                           .summary = "path prefixes of cookies to what they become"},
    [PROXY_UPGRADE] = {.name = "upgrade",
                       .type = FIELD_LIST,
                       .fallback = "websocket",
                       .summary = "protocols that a connection may change to, any or no"},
};

static struct slice without_slash(struct slice path)
{
    bool has_slash = path.length != 0 && path.data[path.length - 1] == '/';
    return slice_of(path.data, path.length - has_slash);
}

static bool read_strip(struct settings_reader *reader, const struct field_value *value,
                       struct forward_settings *forward)
{
    struct pattern_reader patterns = {reader->arena, reader->error};
    if (!value->written)
        return true;
    if (!pattern_check_path(&patterns, value->place, "the path", value->text, false))
        return false;
    forward->strip = without_slash(value->text);
    return true;
}

/* Checks a path that is put into a request, or that cookies are kept for. */
static bool check_path(struct settings_reader *reader, struct place place, const char *key, struct slice path)
{
    const char *written = wording_quote(reader->arena, path);
    if (!slice_starts_with(path, SLICE("/")))
        return error_set_at(reader->error, place, "'%s' wants a path that begins with '/', not '%s'", key, written);
    struct slice spelling;
    const char *problem = path_spelling(path, false, reader->arena, &spelling);
    if (problem != NULL)
        return error_set_at(reader->error, place, "'%s': the path '%s' %s", key, written, problem);
    return slice_equals(path, spelling) ||
           error_set_at(reader->error, place, "'%s' wants the path in the form '%s', not '%s'", key,
                        wording_quote(reader->arena, spelling), written);
}

static bool read_prefix(struct settings_reader *reader, const struct field_value *value,
                        struct forward_settings *forward)
{
    if (!value->written)
        return true;
    forward->prefix = without_slash(value->text);
    return check_path(reader, value->place, "prefix", value->text);
}

/* A misspelt word would silently become a host's name. */
static bool refuse_misspelt(struct settings_reader *reader, const struct field_value *value)
{
    struct suggest suggest = suggest_start(value->text);
    suggest_offer(&suggest, SLICE("keep"));
    suggest_offer(&suggest, SLICE("server"));
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *hint = suggest_phrase(&suggest, phrase);
    if (value->node->is_quoted || (hint[0] == '\0' && value_switch(value->node) == SWITCH_NONE))
        return true;
    const char *written = wording_quote(reader->arena, value->text);
    return error_set_at(reader->error, value->place,
                        "'host' must be 'keep', 'server' or a host, not '%s'%s: a host of that name wants quotes",
                        written, hint);
}

static bool read_host(struct settings_reader *reader, const struct field_value *value, struct forward_settings *forward)
{
    if (slice_equals(value->text, SLICE("keep"))) {
        forward->host = HOST_KEEP;
        return true;
    }
    if (slice_equals(value->text, SLICE("server"))) {
        forward->host = HOST_SERVER;
        return true;
    }
    forward->host = HOST_TEXT;
    return refuse_misspelt(reader, value) &&
           value_read_host(reader, value->place, "host", value->text, &forward->host_text);
}

static struct slice without_dot(struct slice domain)
{
    return slice_starts_with(domain, SLICE(".")) ? slice_skip(domain, 1) : domain;
}

static bool check_domain(struct settings_reader *reader, struct place place, struct slice written, struct slice domain)
{
    return server_url_is_host(domain) ||
           error_set_at(reader->error, place, "'cookie_domain' wants domains such as shop.example, not '%s'",
                        wording_quote(reader->arena, written));
}

/* Whether the last entry has a name that one before it has, once what does not count is taken off. */
static bool check_twice(struct settings_reader *reader, const struct field_value *value, const struct field_pair *pairs,
                        size_t last, bool (*equals)(struct slice, struct slice))
{
    for (size_t i = 0; i < last; ++i) {
        if (equals(pairs[i].name, pairs[last].name))
            return error_set_at(reader->error, pairs[last].name_place,
                                "'%s' stands here twice (first in line %u as '%s')",
                                wording_quote(reader->arena, value->map[last].name), pairs[i].name_place.line,
                                wording_quote(reader->arena, value->map[i].name));
    }
    return true;
}

static bool read_cookie_domains(struct settings_reader *reader, const struct field_value *value,
                                struct forward_settings *forward)
{
    struct field_pair *pairs = arena_alloc(reader->arena, value->count * sizeof(*pairs));
    forward->cookie_domains = pairs;
    forward->cookie_domain_count = value->count;
    for (size_t i = 0; i < value->count; ++i) {
        const struct field_pair *written = &value->map[i];
        pairs[i] = *written;
        pairs[i].name = without_dot(written->name);
        pairs[i].value = without_dot(written->value);
        if (!check_domain(reader, written->name_place, written->name, pairs[i].name) ||
            (written->value.length != 0 &&
             !check_domain(reader, written->value_place, written->value, pairs[i].value)) ||
            !check_twice(reader, value, pairs, i, slice_equals_nocase))
            return false;
    }
    return true;
}

static bool check_cookie_path(struct settings_reader *reader, struct place place, struct slice path)
{
    if (slice_find(path, ';') != path.length)
        return error_set_at(reader->error, place, "'cookie_path': the path '%s' holds a ';', which would end it",
                            wording_quote(reader->arena, path));
    return check_path(reader, place, "cookie_path", path);
}

static bool read_cookie_paths(struct settings_reader *reader, const struct field_value *value,
                              struct forward_settings *forward)
{
    struct field_pair *pairs = arena_alloc(reader->arena, value->count * sizeof(*pairs));
    forward->cookie_paths = pairs;
    forward->cookie_path_count = value->count;
    for (size_t i = 0; i < value->count; ++i) {
        const struct field_pair *written = &value->map[i];
        pairs[i] = *written;
        pairs[i].name = without_slash(written->name);
        pairs[i].value = without_slash(written->value);
        if (!check_cookie_path(reader, written->name_place, written->name) ||
            !check_cookie_path(reader, written->value_place, written->value) ||
            !check_twice(reader, value, pairs, i, slice_equals))
            return false;
    }
    return true;
}

/* Takes a protocol's name, with a version where there is one. */
static bool is_protocol(struct slice text)
{
    size_t slash = slice_find(text, '/');
    return pattern_is_token(slice_of(text.data, slash)) &&
           (slash == text.length || pattern_is_token(slice_skip(text, slash + 1)));
}

static bool check_protocol(struct settings_reader *reader, const struct field_item *item)
{
    const char *written = wording_quote(reader->arena, item->text);
    if (slice_equals(item->text, SLICE("*")))
        return error_set_at(reader->error, item->place, "'upgrade' has the word 'any' for what is meant by '*'");
    if (slice_equals_nocase(item->text, SLICE("any")) || slice_equals_nocase(item->text, SLICE("no")))
        return error_set_at(reader->error, item->place, "'%s' stands alone, not in a list with others", written);
    /* in such a tunnel stand requests that no route and no filter would see */
    if (slice_equals_nocase(item->text, SLICE("h2c")))
        return error_set_at(reader->error, item->place,
                            "'h2c' cannot be let through: it would carry requests past all routes and filters");
    return is_protocol(item->text) ||
           error_set_at(reader->error, item->place, "'upgrade' wants protocols such as websocket, not '%s'", written);
}

static bool read_upgrades(struct settings_reader *reader, const struct field_value *value,
                          struct forward_settings *forward)
{
    static const struct field_item any = {{"*", 1}, {0}};
    enum switch_word word = value_switch(value->node);
    if (word == SWITCH_OFF)
        return true;
    if (word == SWITCH_ON || value->count == 0)
        return error_set_at(reader->error, value->place,
                            "'upgrade' wants protocols such as websocket, or one of the words 'any' and 'no'");
    if (value->count == 1 && slice_equals(value->list[0].text, SLICE("any"))) {
        forward->upgrades = &any;
        forward->upgrade_count = 1;
        return true;
    }
    forward->upgrades = value->list;
    forward->upgrade_count = value->count;
    for (size_t i = 0; i < value->count; ++i) {
        if (!check_protocol(reader, &value->list[i]))
            return false;
    }
    return true;
}

static bool read_mapping(struct settings_reader *reader, const struct node *mapping, struct forward_settings *forward,
                         const struct node **to)
{
    struct field_value values[PROXY_FIELDS];
    if (!fields_read(fields, PROXY_FIELDS, mapping, mapping->place, "'proxy'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    *to = values[PROXY_TO].node;
    forward->forwarded = (enum forwarded_policy)values[PROXY_FORWARDED].integer;
    forward->tells_client_certificate = values[PROXY_CLIENT_CERTIFICATE].boolean;
    forward->maps_location = values[PROXY_LOCATION].integer == 0;
    return read_strip(reader, &values[PROXY_STRIP], forward) && read_prefix(reader, &values[PROXY_PREFIX], forward) &&
           read_host(reader, &values[PROXY_HOST], forward) &&
           read_cookie_domains(reader, &values[PROXY_COOKIE_DOMAIN], forward) &&
           read_cookie_paths(reader, &values[PROXY_COOKIE_PATH], forward) &&
           read_upgrades(reader, &values[PROXY_UPGRADE], forward);
}

bool proxy_read(struct settings_reader *reader, const struct node *node, struct route_settings *route)
{
    struct forward_settings *forward = arena_zalloc(reader->arena, sizeof(*forward));
    struct value_alone alone;
    const struct node *to;
    route->target = TARGET_PROXY;
    route->forward = forward;
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place,
                            "'proxy' wants one URL or upstream, not a list: define an upstream with these servers");
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "an upstream's name or a URL is missing here");
    if (!read_mapping(reader, node->kind == NODE_MAPPING ? node : value_wrap(&alone, "to", node), forward, &to))
        return false;
    if (to->text.length == 0)
        return error_set_at(reader->error, to->place, "an upstream's name or a URL is missing here");
    route->upstream = upstream_find(reader, to);
    return route->upstream != NULL;
}
