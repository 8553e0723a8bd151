#include "base/suggest.h"
#include "config/server_url.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
};

enum {
    UPSTREAM_SERVERS = 0,
    UPSTREAM_TLS,
    UPSTREAM_BALANCE,
    UPSTREAM_STICKY,
    UPSTREAM_HEALTH,
    UPSTREAM_EJECT,
    UPSTREAM_SLOW_START,
    UPSTREAM_RETRY,
    UPSTREAM_MAX_REQUESTS,
    UPSTREAM_MAX_CONNECTIONS,
    UPSTREAM_QUEUE,
    UPSTREAM_CONNECT_TIMEOUT,
    UPSTREAM_TLS_TIMEOUT,
    UPSTREAM_SEND_TIMEOUT,
    UPSTREAM_RESPONSE_TIMEOUT,
    UPSTREAM_IDLE_TIMEOUT,
    UPSTREAM_TRY_TIMEOUT,
    UPSTREAM_TOTAL_TIMEOUT,
    UPSTREAM_TUNNEL_TIMEOUT,
    UPSTREAM_KEEP_ALIVE,
    UPSTREAM_PROXY_PROTOCOL,
    UPSTREAM_FIELDS,
};

#define UPSTREAM_TIME(key, least, usual, text)                                                                         \
    {                                                                                                                  \
        .name = key, .type = FIELD_DURATION, .fallback = usual, .minimum = least, .maximum = DAY_MS, .summary = text   \
    }

static const char *const proxy_protocols[] = {
    [PROXY_PROTOCOL_NONE] = "no",
    [PROXY_PROTOCOL_V1] = "v1",
    [PROXY_PROTOCOL_V2] = "v2",
    NULL,
};

static const struct field upstream_fields[UPSTREAM_FIELDS] = {
    [UPSTREAM_SERVERS] = {.name = "servers", .type = FIELD_NODE, .required = true, .summary = "one server or a list"},
    [UPSTREAM_TLS] = {.name = "tls", .type = FIELD_NODE, .summary = "for https://: whom to trust, what to show"},
    [UPSTREAM_BALANCE] = {.name = "balance", .type = FIELD_NODE, .summary = "which server gets a request"},
    [UPSTREAM_STICKY] = {.name = "sticky", .type = FIELD_NODE, .summary = "a cookie that brings clients back"},
    [UPSTREAM_HEALTH] = {.name = "health",
                         .type = FIELD_NODE,
                         .summary = "how servers are asked whether they are well"},
    [UPSTREAM_EJECT] = {.name = "eject", .type = FIELD_NODE, .summary = "when a failing server is left alone"},
    [UPSTREAM_SLOW_START] = UPSTREAM_TIME("slow_start", 0, "0", "until a server that has come back gets its weight"),
    [UPSTREAM_RETRY] = {.name = "retry", .type = FIELD_NODE, .summary = "when a request is tried once more"},
    [UPSTREAM_MAX_REQUESTS] =
        SETTINGS_LIMIT("max_requests", "how many requests all servers get at a time; 0 is any number"),
    [UPSTREAM_MAX_CONNECTIONS] =
        SETTINGS_LIMIT("max_connections", "how many connections all servers get at a time; 0 is any number"),
    [UPSTREAM_QUEUE] = {.name = "queue", .type = FIELD_NODE, .summary = "requests that wait because of these limits"},
    [UPSTREAM_CONNECT_TIMEOUT] = UPSTREAM_TIME("connect_timeout", 1, "5s", "until a connection stands"),
    [UPSTREAM_TLS_TIMEOUT] = UPSTREAM_TIME("tls_timeout", 1, "5s", "until TLS is agreed on, behind that"),
    [UPSTREAM_SEND_TIMEOUT] = UPSTREAM_TIME("send_timeout", 1, "60s", "until a server takes more of the request"),
    [UPSTREAM_RESPONSE_TIMEOUT] = UPSTREAM_TIME("response_timeout", 1, "60s", "until the response begins"),
    [UPSTREAM_IDLE_TIMEOUT] = UPSTREAM_TIME("idle_timeout", 1, "60s", "between two pieces of the response"),
    [UPSTREAM_TRY_TIMEOUT] = UPSTREAM_TIME("try_timeout", 0, "0", "for one try, to the response's head; 0 is none"),
    [UPSTREAM_TOTAL_TIMEOUT] = UPSTREAM_TIME("total_timeout", 0, "0", "for all of it, to the last byte; 0 is none"),
    [UPSTREAM_TUNNEL_TIMEOUT] = UPSTREAM_TIME("tunnel_timeout", 1, "1h", "between two bytes of a tunnel, either way"),
    [UPSTREAM_KEEP_ALIVE] = UPSTREAM_TIME("keep_alive", 0, "60s", "how long an unused connection is kept"),
    [UPSTREAM_PROXY_PROTOCOL] = {.name = "proxy_protocol",
                                 .type = FIELD_CHOICE,
                                 .fallback = "no",
                                 .choices = proxy_protocols,
                                 .summary = "whether servers are told the client's address in front of a connection"},
};

static void take_numbers(struct upstream_settings *upstream, const struct field_value *values)
{
    upstream->slow_start_ms = values[UPSTREAM_SLOW_START].integer;
    upstream->max_requests = (uint32_t)values[UPSTREAM_MAX_REQUESTS].integer;
    upstream->max_connections = (uint32_t)values[UPSTREAM_MAX_CONNECTIONS].integer;
    upstream->connect_timeout_ms = values[UPSTREAM_CONNECT_TIMEOUT].integer;
    upstream->tls_timeout_ms = values[UPSTREAM_TLS_TIMEOUT].integer;
    upstream->send_timeout_ms = values[UPSTREAM_SEND_TIMEOUT].integer;
    upstream->response_timeout_ms = values[UPSTREAM_RESPONSE_TIMEOUT].integer;
    upstream->idle_timeout_ms = values[UPSTREAM_IDLE_TIMEOUT].integer;
    upstream->try_timeout_ms = values[UPSTREAM_TRY_TIMEOUT].integer;
    upstream->total_timeout_ms = values[UPSTREAM_TOTAL_TIMEOUT].integer;
    upstream->tunnel_timeout_ms = values[UPSTREAM_TUNNEL_TIMEOUT].integer;
    upstream->keep_alive_ms = values[UPSTREAM_KEEP_ALIVE].integer;
    upstream->proxy_protocol = (enum proxy_protocol)values[UPSTREAM_PROXY_PROTOCOL].integer;
}

static bool check_deadlines(struct settings_reader *reader, const struct upstream_settings *upstream,
                            const struct field_value *values)
{
    if (upstream->total_timeout_ms == 0 || upstream->try_timeout_ms <= upstream->total_timeout_ms)
        return true;
    return error_set_at(reader->error, values[UPSTREAM_TRY_TIMEOUT].place,
                        "'try_timeout' must not be longer than 'total_timeout', which is %s",
                        wording_duration(reader->arena, upstream->total_timeout_ms));
}

/* Reads an upstream: its servers alone, or a mapping. */
static bool read_settings(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    struct field_value values[UPSTREAM_FIELDS];
    struct value_alone alone;
    const struct node *mapping = node->kind == NODE_MAPPING ? node : value_wrap(&alone, "servers", node);
    if (!fields_read(upstream_fields, UPSTREAM_FIELDS, mapping, mapping->place, "an upstream", reader->source,
                     reader->arena, values, reader->error))
        return false;
    take_numbers(upstream, values);
    return check_deadlines(reader, upstream, values) && servers_read(reader, values[UPSTREAM_SERVERS].node, upstream) &&
           upstream_tls_read(reader, values[UPSTREAM_TLS].node, upstream) &&
           upstream_balance_read(reader, values[UPSTREAM_BALANCE].node, upstream) &&
           upstream_sticky_read(reader, values[UPSTREAM_STICKY].node, upstream) &&
           upstream_health_read(reader, values[UPSTREAM_HEALTH].node, upstream) &&
           upstream_eject_read(reader, values[UPSTREAM_EJECT].node, upstream) &&
           upstream_retry_read(reader, values[UPSTREAM_RETRY].node, upstream) &&
           upstream_queue_read(reader, values[UPSTREAM_QUEUE].node, upstream);
}

static struct upstream_settings *add_upstream(struct settings_reader *reader, struct slice name, struct place place)
{
    struct settings *settings = reader->settings;
    struct upstream_settings *upstream = arena_zalloc(reader->arena, sizeof(*upstream));
    upstream->name = name;
    upstream->place = place;
    upstream->index = settings->upstream_count;
    reader->upstream_list = arena_grow(reader->arena, reader->upstream_list, settings->upstream_count,
                                       &reader->upstream_capacity, sizeof(*reader->upstream_list));
    reader->upstream_list[settings->upstream_count++] = upstream;
    settings->upstreams = reader->upstream_list;
    return upstream;
}

static bool read_upstream(struct settings_reader *reader, const struct node *key, const struct node *node)
{
    if (!name_check(reader, key, "an upstream", true))
        return false;
    struct upstream_settings *upstream = add_upstream(reader, key->text, key->place);
    name_index_add(&reader->upstreams, reader->arena, key->text, upstream);
    return read_settings(reader, node, upstream);
}

bool upstreams_read(struct settings_reader *reader, const struct field_value *value)
{
    const struct node *node = value->node;
    if (node == NULL)
        return true;
    if (!value_check_kind(reader, node, "upstreams", NODE_MAPPING, "a mapping of names to servers"))
        return false;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_upstream(reader, node->keys[i], node->items[i]))
            return false;
    }
    return true;
}

/* What tells two inline upstreams apart: a socket's path is relative to the file that names it. */
static struct slice make_inline_key(struct settings_reader *reader, const struct node *node)
{
    static const char prefix[] = "http+unix:";
    if (!slice_starts_with(node->text, slice_from_text(prefix)))
        return node->text;
    return slice_from_text(node_path(node, slice_skip(node->text, strlen(prefix)), reader->arena));
}

static const struct upstream_settings *find_inline(struct settings_reader *reader, const struct node *node)
{
    struct slice key = make_inline_key(reader, node);
    const struct upstream_settings *known = name_index_find(&reader->inline_upstreams, key);
    if (known != NULL)
        return known;
    struct upstream_settings *upstream = add_upstream(reader, node->text, node->place);
    name_index_add(&reader->inline_upstreams, reader->arena, key, upstream);
    return read_settings(reader, node, upstream) ? upstream : NULL;
}

const struct upstream_settings *upstream_find(struct settings_reader *reader, const struct node *node)
{
    if (server_url_is_meant(node->text))
        return find_inline(reader, node);
    const struct upstream_settings *known = name_index_find(&reader->upstreams, node->text);
    if (known != NULL)
        return known;
    struct suggest suggest = suggest_start(node->text);
    for (size_t i = 0; i < reader->settings->upstream_count; ++i) {
        if (!server_url_is_meant(reader->upstream_list[i]->name))
            suggest_offer(&suggest, reader->upstream_list[i]->name);
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *name = wording_quote(reader->arena, node->text);
    const char *hint = suggest_phrase(&suggest, phrase);
    bool may_be_host = slice_find(node->text, '.') != node->text.length || slice_equals(node->text, SLICE("localhost"));
    if (hint[0] == '\0' && may_be_host)
        hint = arena_print(reader->arena, " (a server is written 'http://%s')", name).data;
    error_set_at(reader->error, node->place, "upstream '%s' is not defined%s", name, hint);
    return NULL;
}
