#include "proxy/server.h"

#include "base/alloc.h"
#include "proxy/connection.h"
#include "proxy/tls_upstream.h"

#include <stdlib.h>
#include <sys/un.h>

enum {
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
};

/* A path that is too long leaves the address empty, and connecting to it fails. */
static void set_unix_address(struct server *server)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&server->address.storage;
    struct slice path = server->settings->host;
    address->sun_family = AF_UNIX;
    if (path.length < sizeof(address->sun_path))
        memcpy(address->sun_path, path.data, path.length);
    server->address.length = sizeof(*address);
}

static void init_server(struct server *server, const struct server_settings *settings,
                        const struct upstream_settings *upstream, struct loop *loop)
{
    *server = (struct server){.settings = settings, .upstream = upstream, .loop = loop};
    server->idle_timer = (struct timer){.on_timeout = connection_on_idle_timeout, .data = server};
    if (settings->is_unix) {
        set_unix_address(server);
        server->is_numeric = true;
        text_add(&server->host, SLICE("localhost"));
        return;
    }
    server->is_numeric = resolver_parse(settings->host, settings->port, &server->address);
    bool is_bracketed = slice_find(settings->host, ':') != settings->host.length;
    text_print(&server->host, is_bracketed ? "[%.*s]" : "%.*s", SLICE_ARG(settings->host));
    if (settings->port != (settings->is_tls ? HTTPS_PORT : HTTP_PORT))
        text_print(&server->host, ":%u", (unsigned)settings->port);
}

void server_group_init(struct server_group *group, const struct upstream_settings *upstream, struct loop *loop)
{
    *group = (struct server_group){.count = upstream->server_count};
    group->servers = mem_zalloc(upstream->server_count * sizeof(struct server));
    for (size_t i = 0; i < upstream->server_count; ++i) {
        init_server(&group->servers[i], &upstream->servers[i], upstream, loop);
        group->total_weight += upstream->servers[i].weight;
    }
}

void server_group_use_tls(struct server_group *group, struct tls_upstream *tls)
{
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (server->settings->is_tls)
            server->tls = tls_peer_create(tls, server->settings);
    }
}

void server_group_finish(struct server_group *group)
{
    for (size_t i = 0; i < group->count; ++i) {
        connection_close_idle(&group->servers[i]);
        tls_peer_destroy(group->servers[i].tls);
        text_finish(&group->servers[i].host);
    }
    free(group->servers);
    *group = (struct server_group){0};
}

/* Every server earns its weight, the richest is chosen and pays for all: the choices of one server are spread evenly.
 */
size_t server_group_choose(struct server_group *group)
{
    size_t chosen = 0;
    if (group->count == 1)
        return chosen;
    for (size_t i = 0; i < group->count; ++i) {
        group->servers[i].credit += group->servers[i].settings->weight;
        if (group->servers[i].credit > group->servers[chosen].credit)
            chosen = i;
    }
    group->servers[chosen].credit -= group->total_weight;
    return chosen;
}
