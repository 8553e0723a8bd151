#include "base/suggest.h"
#include "config/server_url.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    HEAVIEST = 256,
};

enum {
    SERVER_URL = 0,
    SERVER_WEIGHT,
    SERVER_FIELDS,
};

static const struct field server_fields[SERVER_FIELDS] = {
    [SERVER_URL] = {.name = "url",
                    .type = FIELD_TEXT,
                    .required = true,
                    .summary = "http://HOST[:PORT], https://HOST[:PORT] "
                               "or http+unix:/PATH"},
    [SERVER_WEIGHT] = {.name = "weight",
                       .type = FIELD_INTEGER,
                       .fallback = "1",
                       .minimum = 1,
                       .maximum = HEAVIEST,
                       .summary = "how many requests it gets, compared with the others"},
};

enum {
    UPSTREAM_SERVERS = 0,
    UPSTREAM_TLS,
    UPSTREAM_CONNECT_TIMEOUT,
    UPSTREAM_TLS_TIMEOUT,
    UPSTREAM_RESPONSE_TIMEOUT,
    UPSTREAM_IDLE_TIMEOUT,
    UPSTREAM_KEEP_ALIVE,
    UPSTREAM_FIELDS,
};

#define UPSTREAM_TIME(key, least, usual, text)                                                                         \
    {                                                                                                                  \
        .name = key, .type = FIELD_DURATION, .fallback = usual, .minimum = least, .maximum = DAY_MS, .summary = text   \
    }

static const struct field upstream_fields[UPSTREAM_FIELDS] = {
    [UPSTREAM_SERVERS] = {.name = "servers", .type = FIELD_NODE, .required = true, .summary = "one server or a list"},
    [UPSTREAM_TLS] = {.name = "tls", .type = FIELD_NODE, .summary = "for https://: whom to trust, what to show"},
    [UPSTREAM_CONNECT_TIMEOUT] = UPSTREAM_TIME("connect_timeout", 1, "5s", "until a connection stands"),
    [UPSTREAM_TLS_TIMEOUT] = UPSTREAM_TIME("tls_timeout", 1, "5s", "until TLS is agreed on, behind that"),
    [UPSTREAM_RESPONSE_TIMEOUT] = UPSTREAM_TIME("response_timeout", 1, "60s", "until the response begins"),
    [UPSTREAM_IDLE_TIMEOUT] = UPSTREAM_TIME("idle_timeout", 1, "60s", "between two pieces of the response"),
    [UPSTREAM_KEEP_ALIVE] = UPSTREAM_TIME("keep_alive", 0, "60s", "how long an unused connection is kept"),
};

/* Parts of an upstream that readers of their own read. */
struct upstream_nodes {
    const struct node *servers, *tls;
};

static bool read_server(struct settings_reader *reader, const struct node *node, struct server_settings *server)
{
    struct field_value values[SERVER_FIELDS];
    if (node->kind == NODE_SCALAR)
        return server_url_read(node, reader->arena, server, reader->error);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "a server is a URL or a mapping, not a list");
    if (!fields_read(server_fields, SERVER_FIELDS, node, node->place, "a server", reader->source, reader->arena, values,
                     reader->error) ||
        !server_url_read(values[SERVER_URL].node, reader->arena, server, reader->error))
        return false;
    server->weight = (uint32_t)values[SERVER_WEIGHT].integer;
    return true;
}

static bool read_servers(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    bool is_list = node->kind == NODE_SEQUENCE;
    upstream->server_count = is_list ? node->count : 1;
    if (upstream->server_count == 0)
        return error_set_at(reader->error, node->place, "an upstream wants at least one server");
    struct server_settings *servers = arena_zalloc(reader->arena, upstream->server_count * sizeof(*servers));
    upstream->servers = servers;
    for (size_t i = 0; i < upstream->server_count; ++i) {
        if (!read_server(reader, is_list ? node->items[i] : node, &servers[i]))
            return false;
    }
    return true;
}

/* Reads the mapping, or the defaults of one that is not there; what needs more reading is left in rest. */
static bool read_fields(struct settings_reader *reader, const struct node *mapping, struct upstream_settings *upstream,
                        struct upstream_nodes *rest)
{
    struct field_value values[UPSTREAM_FIELDS];
    const struct field *fields = mapping == NULL ? upstream_fields + 1 : upstream_fields;
    struct field_value *first = mapping == NULL ? values + 1 : values;
    size_t count = mapping == NULL ? UPSTREAM_FIELDS - 1 : UPSTREAM_FIELDS;
    if (!fields_read(fields, count, mapping, mapping == NULL ? PLACE_NONE : mapping->place, "an upstream",
                     reader->source, reader->arena, first, reader->error))
        return false;
    upstream->connect_timeout_ms = values[UPSTREAM_CONNECT_TIMEOUT].integer;
    upstream->tls_timeout_ms = values[UPSTREAM_TLS_TIMEOUT].integer;
    upstream->response_timeout_ms = values[UPSTREAM_RESPONSE_TIMEOUT].integer;
    upstream->idle_timeout_ms = values[UPSTREAM_IDLE_TIMEOUT].integer;
    upstream->keep_alive_ms = values[UPSTREAM_KEEP_ALIVE].integer;
    rest->tls = values[UPSTREAM_TLS].node;
    if (mapping != NULL)
        rest->servers = values[UPSTREAM_SERVERS].node;
    return true;
}

static bool read_rest(struct settings_reader *reader, const struct upstream_nodes *rest,
                      struct upstream_settings *upstream)
{
    return read_servers(reader, rest->servers, upstream) && upstream_tls_read(reader, rest->tls, upstream);
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
    struct upstream_nodes rest = {.servers = node};
    const struct node *mapping = node->kind == NODE_MAPPING ? node : NULL;
    return read_fields(reader, mapping, upstream, &rest) && read_rest(reader, &rest, upstream);
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
    struct upstream_nodes rest = {.servers = node};
    bool is_read = read_fields(reader, NULL, upstream, &rest) && read_rest(reader, &rest, upstream);
    return is_read ? upstream : NULL;
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
