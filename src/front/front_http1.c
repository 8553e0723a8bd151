#include "front/front_http1.h"

#include "base/alloc.h"
#include "front/http1_connection.h"
#include "listen/tls_facts.h"
#include "net/proxy_header.h"
#include "tls/tls.h"

#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    LOOKED_AT = 64, /* at least, for the one that is idle for longest */
};

struct front_http1 *front_http1_create(struct loop *loop, const struct settings *settings, struct dispatch *dispatch,
                                       void (*on_count)(void *data), void *data)
{
    struct front_http1 *front = mem_alloc(sizeof(*front));
    *front = (struct front_http1){
        .loop = loop,
        .settings = settings,
        .dispatch = dispatch,
        .on_count = on_count,
        .data = data,
        .notes_local = proxy_header_is_used(settings),
        .fields = mem_alloc((size_t)settings->header_limit * sizeof(struct header)),
    };
    return front;
}

void front_http1_use_tls(struct front_http1 *front, struct tls_listeners *tls)
{
    front->tls = tls;
}

void front_http1_use_http2(struct front_http1 *front, struct front_http2 *http2)
{
    front->http2 = http2;
}

void front_http1_destroy(struct front_http1 *front)
{
    if (front == NULL)
        return;
    free(front->spare.data);
    free(front->fields);
    free(front);
}

void front_http1_take(struct front_http1 *front, struct socket *socket, const struct socket_end *peer,
                      struct socket_end *local, const struct listener_settings *listener)
{
    struct http1_connection *connection = mem_zalloc(sizeof(*connection));
    connection->front = front;
    connection->listener = listener;
    connection->told_local = local;
    connection->peer = *peer;
    connection->next = front->first;
    if (front->first != NULL)
        front->first->previous = connection;
    front->first = connection;
    ++front->count;
    http1_connection_start(connection, socket);
    front->on_count(front->data);
}

void http1_connection_destroy(struct http1_connection *connection)
{
    struct front_http1 *front = connection->front;
    if (front->next_looked_at == connection)
        front->next_looked_at = connection->next;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        front->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    --front->count;
    http1_connection_note_rest(connection, false);
    timer_stop(front->loop, &connection->timer);
    http1_input_consume(&connection->input, http1_input_slice(&connection->input).length);
    http1_input_trim(&connection->input, &front->spare);
    http1_body_finish(connection);
    free(connection->told_local);
    tls_facts_destroy(connection->tls);
    free(connection);
    front->on_count(front->data);
}

size_t front_http1_count(const struct front_http1 *front)
{
    return front->count;
}

size_t front_http1_resting(const struct front_http1 *front)
{
    return front->resting_count;
}

void front_http1_drain(struct front_http1 *front)
{
    front->is_draining = true;
}

/* A request that has arrived but was not read yet is still served, and so is the one that a handshake leads to. */
static bool is_idle(const struct http1_connection *connection)
{
    int unread = 0;
    return connection->state == HTTP1_IDLE && connection->socket != NULL && !tls_is_shaking_hands(connection->socket) &&
           ioctl(socket_descriptor(connection->socket), FIONREAD, &unread) == 0 && unread == 0;
}

static bool is_any(const struct http1_connection *connection, uint64_t began_before_us)
{
    return true;
}

static bool has_nothing(const struct http1_connection *connection, uint64_t began_before_us)
{
    return is_idle(connection);
}

static bool is_resting(const struct http1_connection *connection, uint64_t began_before_us)
{
    return connection->is_resting && is_idle(connection);
}

static bool is_overdue(const struct http1_connection *connection, uint64_t began_before_us)
{
    return connection->socket != NULL && dispatch_is_overdue(&connection->entry, began_before_us);
}

static size_t lose_connections(struct front_http1 *front,
                               bool (*is_lost)(const struct http1_connection *connection, uint64_t began_before_us),
                               uint64_t began_before_us)
{
    struct http1_connection *next;
    size_t count = 0;
    front->is_walked = true;
    for (struct http1_connection *connection = front->first; connection != NULL; connection = next) {
        next = connection->next;
        if (!is_lost(connection, began_before_us))
            continue;
        ++count;
        http1_connection_enter(connection);
        http1_connection_lose(connection);
        http1_connection_leave(connection);
    }
    front->is_walked = false;
    return count;
}

void front_http1_close_idle(struct front_http1 *front)
{
    lose_connections(front, has_nothing, 0);
}

void front_http1_close_resting(struct front_http1 *front)
{
    lose_connections(front, is_resting, 0);
}

void front_http1_close_one(struct http1_connection *connection)
{
    http1_connection_enter(connection);
    http1_connection_lose(connection);
    http1_connection_leave(connection);
}

/* A handshake under way is work that has begun. */
static bool may_leave(const struct http1_connection *connection, const struct listener_settings *listener)
{
    return (listener == NULL || connection->listener == listener) && is_idle(connection) &&
           tls_is_secured(connection->socket);
}

/* Where many are idle, a few are compared; where few are, it goes on until one is found. */
struct http1_connection *front_http1_find_idle(struct front_http1 *front, const struct listener_settings *listener)
{
    struct http1_connection *found = NULL, *connection = front->next_looked_at;
    size_t most = front->is_walked ? 0 : front->count;
    for (size_t looked = 0; looked < most && (found == NULL || looked < LOOKED_AT); ++looked) {
        if (connection == NULL)
            connection = front->first;
        bool is_older = found == NULL || connection->timer.due_ms < found->timer.due_ms;
        if (is_older && may_leave(connection, listener))
            found = connection;
        connection = connection->next;
    }
    front->next_looked_at = connection;
    return found;
}

void front_http1_cut(struct front_http1 *front)
{
    front->is_draining = true;
    lose_connections(front, is_any, 0);
}

size_t front_http1_cut_requests(struct front_http1 *front, uint64_t began_before_us)
{
    return lose_connections(front, is_overdue, began_before_us);
}

size_t front_http1_count_closed(const struct front_http1 *front)
{
    size_t count = 0;
    for (const struct http1_connection *connection = front->first; connection != NULL; connection = connection->next)
        count += connection->socket == NULL;
    return count;
}
