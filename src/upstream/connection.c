#include "upstream/connection.h"

#include "base/alloc.h"
#include "net/proxy_header.h"

#include <stdlib.h>

enum {
    MOST_IDLE = 1024, /* of each server */
};

static void unlink_idle(struct connection *connection)
{
    struct server *server = connection->server;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        server->newest = connection->older;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        server->oldest = connection->newer;
    connection->newer = connection->older = NULL;
    --server->idle_count;
}

bool connection_may_be_told_late(const struct connection *connection)
{
    uint64_t turn = loop_turn(connection->server->loop);
    return connection->kept_turn == turn && connection->told_turn != turn;
}

static void on_readable(struct socket *socket, void *data)
{
    struct connection *connection = data;
    bool is_late = connection_may_be_told_late(connection);
    connection->told_turn = loop_turn(connection->server->loop);
    if (connection->events != NULL)
        connection->events->on_readable(connection->user);
    else if (!is_late || !connection_is_quiet(connection))
        connection_close(connection);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct connection *connection = data;
    if (connection->events != NULL)
        connection->events->on_written(connection->user, is_ok);
}

static const struct socket_events socket_events = {.on_readable = on_readable, .on_written = on_written};

struct connection *connection_create(struct server *server, const struct exchange *exchange, struct socket *socket,
                                     const struct connection_events *events, void *user)
{
    struct connection *connection = mem_alloc(sizeof(*connection));
    *connection = (struct connection){.server = server, .socket = socket, .events = events, .user = user};
    if (server->upstream->proxy_protocol != PROXY_PROTOCOL_NONE) {
        connection->proxy_header = mem_alloc(sizeof(*connection->proxy_header));
        proxy_header_build(server->upstream->proxy_protocol, exchange, connection->proxy_header);
    }
    socket_set_events(socket, &socket_events, connection);
    socket_read(socket, true);
    return connection;
}

static struct connection *find_own_connection(const struct server *server, const struct exchange *exchange)
{
    struct proxy_header header;
    proxy_header_build(server->upstream->proxy_protocol, exchange, &header);
    struct connection *connection = server->newest;
    while (connection != NULL && !proxy_header_equals(connection->proxy_header, &header))
        connection = connection->older;
    return connection;
}

struct connection *connection_take(struct server *server, const struct exchange *exchange,
                                   const struct connection_events *events, void *user)
{
    bool is_any_good = server->upstream->proxy_protocol == PROXY_PROTOCOL_NONE;
    struct connection *connection = is_any_good ? server->newest : find_own_connection(server, exchange);
    if (connection == NULL)
        return NULL;
    unlink_idle(connection);
    connection->events = events;
    connection->user = user;
    return connection;
}

bool connection_is_quiet(const struct connection *connection)
{
    return socket_is_quiet(connection->socket);
}

void connection_keep(struct connection *connection)
{
    struct server *server = connection->server;
    if (!server_may_keep(server)) {
        connection_close(connection);
        return;
    }
    if (server->idle_count == MOST_IDLE)
        connection_close(server->oldest);
    connection->events = NULL;
    connection->user = NULL;
    connection->kept_turn = loop_turn(server->loop);
    connection->idle_since_ms = loop_now_ms(server->loop);
    connection->older = server->newest;
    if (server->newest != NULL)
        server->newest->newer = connection;
    else
        server->oldest = connection;
    server->newest = connection;
    ++server->idle_count;
    socket_read(connection->socket, true);
    /* one timer for the whole pool, which finds out when it fires, so that a request costs none */
    if (server->idle_timer.position == 0)
        timer_start(server->loop, &server->idle_timer, server_idle_look_ms(server));
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->events == NULL)
        unlink_idle(connection);
    server_connection_closed(connection->server);
    socket_close(connection->socket);
    free(connection->proxy_header);
    free(connection);
}

void connection_close_idle(struct server *server)
{
    while (server->oldest != NULL)
        connection_close(server->oldest);
    timer_stop(server->loop, &server->idle_timer);
}

void connection_on_idle_timeout(struct timer *timer)
{
    struct server *server = timer->data;
    uint64_t now_ms = loop_now_ms(server->loop), keep_ms = (uint64_t)server->upstream->keep_alive_ms;
    while (server->oldest != NULL && server->oldest->idle_since_ms + keep_ms <= now_ms)
        connection_close(server->oldest);
    if (server->oldest != NULL && server_must_give_up(server))
        connection_close(server->oldest);
    if (server->oldest == NULL)
        return;
    int64_t left_ms = (int64_t)(server->oldest->idle_since_ms + keep_ms - now_ms);
    int64_t look_ms = server_idle_look_ms(server);
    timer_start(server->loop, timer, left_ms < look_ms ? left_ms : look_ms);
}
