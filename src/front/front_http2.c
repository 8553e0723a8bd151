#include "front/front_http2.h"

#include "base/alloc.h"
#include "front/http2_connection.h"
#include "listen/tls_facts.h"
#include "net/proxy_header.h"

#include <stdlib.h>

enum {
    LOOKED_AT = 64, /* at least, for the one that is idle for longest */
    MOST_LOOKED_AT = 1024,
};

struct front_http2 *front_http2_create(struct loop *loop, const struct settings *settings, struct dispatch *dispatch,
                                       void (*on_count)(void *data), void *data)
{
    struct front_http2 *front = mem_alloc(sizeof(*front));
    *front = (struct front_http2){
        .loop = loop,
        .settings = settings,
        .dispatch = dispatch,
        .notes_local = proxy_header_is_used(settings),
        .on_count = on_count,
        .data = data,
    };
    return front;
}

void front_http2_use_tls(struct front_http2 *front, struct tls_listeners *tls)
{
    front->tls = tls;
}

void front_http2_destroy(struct front_http2 *front)
{
    if (front != NULL)
        http2_regions_finish(&front->regions);
    free(front);
}

void front_http2_take(struct front_http2 *front, const struct front_http2_start *start)
{
    struct http2_connection *connection = mem_zalloc(sizeof(*connection));
    connection->front = front;
    connection->socket = start->socket;
    connection->tls = start->tls;
    connection->listener = start->listener;
    connection->told_local = start->local;
    connection->peer = *start->peer;
    connection->next = front->first;
    if (front->first != NULL)
        front->first->previous = connection;
    front->first = connection;
    ++front->count;
    front->on_count(front->data);
    http2_connection_start(connection, start->received);
}

void http2_connection_destroy(struct http2_connection *connection)
{
    struct front_http2 *front = connection->front;
    if (front->next_looked_at == connection)
        front->next_looked_at = connection->next;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        front->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    --front->count;
    front->resting_count -= connection->wait == HTTP2_WAIT_IDLE;
    free(connection->told_local);
    tls_facts_destroy(connection->tls);
    free(connection);
    front->on_count(front->data);
}

size_t front_http2_count(const struct front_http2 *front)
{
    return front->count;
}

size_t front_http2_resting(const struct front_http2 *front)
{
    return front->resting_count;
}

static void for_each_connection(struct front_http2 *front, void (*act)(struct http2_connection *connection))
{
    struct http2_connection *next;
    front->is_walked = true;
    for (struct http2_connection *connection = front->first; connection != NULL; connection = next) {
        next = connection->next;
        http2_connection_enter(connection);
        act(connection);
        http2_connection_leave(connection);
    }
    front->is_walked = false;
}

void front_http2_drain(struct front_http2 *front)
{
    front->is_draining = true;
    for_each_connection(front, http2_connection_drain);
}

size_t front_http2_cut_requests(struct front_http2 *front, uint64_t began_before_us)
{
    size_t count = 0;
    struct http2_connection *next;
    front->is_walked = true;
    for (struct http2_connection *connection = front->first; connection != NULL; connection = next) {
        next = connection->next;
        http2_connection_enter(connection);
        count += http2_connection_cut_requests(connection, began_before_us);
        http2_connection_leave(connection);
    }
    front->is_walked = false;
    return count;
}

static void close_if_idle(struct http2_connection *connection)
{
    if (connection->first == NULL)
        http2_connection_finish_drain(connection);
}

void front_http2_close_idle(struct front_http2 *front)
{
    for_each_connection(front, close_if_idle);
}

static bool may_leave(const struct http2_connection *connection, const struct listener_settings *listener)
{
    return (listener == NULL || connection->listener == listener) && connection->first == NULL &&
           connection->socket != NULL && !connection->is_ending && !connection->is_lingering &&
           !connection->is_dismissed;
}

/* Where many are idle, a few are compared; where few are, it goes on until one is found, but not endlessly. */
static struct http2_connection *find_idle(struct front_http2 *front, const struct listener_settings *listener)
{
    struct http2_connection *found = NULL, *connection = front->next_looked_at;
    size_t most = front->is_walked ? 0 : front->count < MOST_LOOKED_AT ? front->count : MOST_LOOKED_AT;
    for (size_t looked = 0; looked < most && (found == NULL || looked < LOOKED_AT); ++looked) {
        if (connection == NULL)
            connection = front->first;
        bool is_older = found == NULL || connection->wait_timer.due_ms < found->wait_timer.due_ms;
        if (is_older && may_leave(connection, listener))
            found = connection;
        connection = connection->next;
    }
    front->next_looked_at = connection;
    return found;
}

void front_http2_close_one_idle(struct front_http2 *front, const struct listener_settings *listener)
{
    struct http2_connection *found = find_idle(front, listener);
    if (found == NULL)
        return;
    found->is_dismissed = true;
    http2_connection_enter(found);
    http2_connection_finish_drain(found);
    http2_connection_leave(found);
}

void front_http2_cut(struct front_http2 *front)
{
    front->is_draining = true;
    for_each_connection(front, http2_connection_lose);
}

size_t front_http2_count_closed(const struct front_http2 *front)
{
    size_t count = 0;
    for (const struct http2_connection *connection = front->first; connection != NULL; connection = connection->next)
        count += connection->socket == NULL;
    return count;
}
