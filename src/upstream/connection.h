#ifndef FLEXILIB_UPSTREAM_CONNECTION_H
#define FLEXILIB_UPSTREAM_CONNECTION_H

/* A connection to a server: in use by one request, or idle in its server's pool, from which the most recently used one
 * is taken first. Reading stays on all its life, so whatever happens on an idle one (bytes nobody asked for, the end,
 * an error) is noticed and closes it. */

#include "net/socket.h"
#include "upstream/server.h"

struct connection_events {
    void (*on_readable)(void *user);
    void (*on_written)(void *user, bool is_ok);
};

struct connection {
    struct server *server;
    struct socket *socket;
    const struct connection_events *events; /* NULL while it is idle */
    void *user;
    struct connection *newer, *older; /* in the pool */
    uint64_t idle_since_ms;
    bool is_doubtful;                  /* its last response may not have been over: look before it is used again */
    bool was_quiet;                    /* when its user looked, right before it was used */
    uint64_t told_turn, kept_turn;     /* the loop's, when it was last readable, and came to the pool */
    struct proxy_header *proxy_header; /* what the server was told of the client; NULL: nothing */
};

/* Takes over a socket that was connected for this exchange, and for which server_connection_opened was
 * called. */
struct connection *connection_create(struct server *server, const struct exchange *exchange, struct socket *socket,
                                     const struct connection_events *events, void *user);

/* The server's most recently used idle connection, or NULL. Where the server is told whose a connection is, by the
 * PROXY protocol, it was made for the same client's connection. */
struct connection *connection_take(struct server *server, const struct exchange *exchange,
                                   const struct connection_events *events, void *user);

/* Whether the loop may yet tell of bytes that the last user has received already, without having waited to be told. */
bool connection_may_be_told_late(const struct connection *connection);

/* Says whether neither bytes nor an end have come in; costs a system call. */
bool connection_is_quiet(const struct connection *connection);

/* Gives the connection, on which a response has ended, back to the pool; a full pool closes its oldest, and
 * one that others are waiting for is closed. */
void connection_keep(struct connection *connection);

/* NULL is fine. */
void connection_close(struct connection *connection);

void connection_close_idle(struct server *server);

/* Closes those that have been idle for too long: the server's idle_timer. */
void connection_on_idle_timeout(struct timer *timer);

#endif
