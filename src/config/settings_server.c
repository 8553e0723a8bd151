#include "config/server_url.h"
#include "config/settings_reader.h"

enum {
    HEAVIEST = 256,
};

enum {
    SERVER_URL = 0,
    SERVER_WEIGHT,
    SERVER_BACKUP,
    SERVER_MAX_REQUESTS,
    SERVER_MAX_CONNECTIONS,
    SERVER_FIELDS,
};

static const struct field fields[SERVER_FIELDS] = {
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
    [SERVER_BACKUP] = {.name = "backup",
                       .type = FIELD_BOOL,
                       .fallback = "no",
                       .summary = "whether it gets requests only while no other server can"},
    [SERVER_MAX_REQUESTS] = SETTINGS_LIMIT("max_requests", "how many requests it gets at a time; 0 is any number"),
    [SERVER_MAX_CONNECTIONS] =
        SETTINGS_LIMIT("max_connections", "how many connections it gets at a time; 0 is any number"),
};

static bool read_server(struct settings_reader *reader, const struct node *node, struct server_settings *server)
{
    struct field_value values[SERVER_FIELDS];
    if (node->kind == NODE_SCALAR)
        return server_url_read(node, reader->arena, server, reader->error);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "a server is a URL or a mapping, not a list");
    if (!fields_read(fields, SERVER_FIELDS, node, node->place, "a server", reader->source, reader->arena, values,
                     reader->error) ||
        !server_url_read(values[SERVER_URL].node, reader->arena, server, reader->error))
        return false;
    server->weight = (uint32_t)values[SERVER_WEIGHT].integer;
    server->is_backup = values[SERVER_BACKUP].boolean;
    server->max_requests = (uint32_t)values[SERVER_MAX_REQUESTS].integer;
    server->max_connections = (uint32_t)values[SERVER_MAX_CONNECTIONS].integer;
    return true;
}

/* A backup stands in for others, so there have to be some. */
static bool check_backups(struct settings_reader *reader, const struct upstream_settings *upstream)
{
    for (size_t i = 0; i < upstream->server_count; ++i) {
        if (!upstream->servers[i].is_backup)
            return true;
    }
    return error_set_at(reader->error, upstream->servers[0].place,
                        "every server of this upstream is a backup: at least one must not be");
}

bool servers_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
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
    return check_backups(reader, upstream);
}
