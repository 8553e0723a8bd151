#ifndef FLEXILIB_LISTEN_CLIENT_LIMITS_H
#define FLEXILIB_LISTEN_CLIENT_LIMITS_H

/* How many connections clients may have: `max_connections`, in all and on one listener, and
 * `max_connections_per_address`. Connections of all workers count (base/client_counts.h), from before they are accepted
 * until their socket is closed. No limit is exceeded, except that each worker whose idle connection makes room closes
 * it right after it has accepted the other. */

#include "base/client_counts.h"
#include "config/settings.h"
#include "net/socket.h"
#include "net/socket_address.h"

struct client_limits;
struct core_metrics;

/* on_closed(data) is called when a counted connection has been closed. */
struct client_limits *client_limits_create(const struct settings *settings, struct loop *loop,
                                           void (*on_closed)(void *data), void *data);

/* Only when no counted connection is left. NULL is fine. */
void client_limits_destroy(struct client_limits *limits);

/* Counts where other workers see it, in that row. Before the first connection. */
/* Has connections counted for the metrics that all workers share; core outlives the limits. */
void client_limits_use_metrics(struct client_limits *limits, struct core_metrics *core);

void client_limits_share(struct client_limits *limits, struct client_counts *counts, uint32_t row);

enum client_limit {
    CLIENT_LIMIT_NONE = 0,
    CLIENT_LIMIT_LISTENER,
    CLIENT_LIMIT_ALL,
};

/* Which limit keeps a further connection from being accepted. */
enum client_limit client_limits_look(const struct client_limits *limits, const struct listener_settings *listener);

/* As above, and where none does, that connection has a place: client_limits_count takes it, or it is released. */
enum client_limit client_limits_reserve(struct client_limits *limits, const struct listener_settings *listener);
void client_limits_release(struct client_limits *limits);

/* Lets the other workers know that a connection waits for this limit; and whether some other's does, where listener is
 * NULL for the limit of all. */
void client_limits_tell_full(struct client_limits *limits, enum client_limit limit,
                             const struct listener_settings *listener);
bool client_limits_is_full(const struct client_limits *limits, const struct listener_settings *listener);

/* Counts a connection until its socket is closed. */
void client_limits_count(struct client_limits *limits, struct socket *socket, const struct listener_settings *listener);

/* Counts a connection that is counted already for its client's address too, once that is known. Returns false, and logs
 * it, where that is one too many. Addresses of trusted proxies, which are of many clients, are not counted. */
bool client_limits_admit(struct client_limits *limits, struct socket *socket, const struct socket_end *peer);

/* This worker's connections. */
size_t client_limits_own(const struct client_limits *limits);

#endif
