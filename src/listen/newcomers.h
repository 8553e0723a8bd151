#ifndef FLEXILIB_LISTEN_NEWCOMERS_H
#define FLEXILIB_LISTEN_NEWCOMERS_H

/* Accepted connections on their way to a front. Those of listeners that a proxy tells of its clients, by the PROXY
 * protocol, wait here for its header; not one byte behind that is received, so whatever follows (TLS, HTTP/2) begins as
 * on any other connection. All others pass at once. Who sends no good header in time is closed without an answer. */

#include "config/settings.h"
#include "net/socket.h"
#include "net/socket_address.h"

struct newcomers;

struct newcomers_events {
    /* A connection whose client is known, to be taken over; so is local, which is where the client has connected to
     * (NULL: where the socket is). */
    void (*on_come)(void *data, struct socket *socket, const struct socket_end *peer, struct socket_end *local,
                    const struct listener_settings *listener);
    /* How many wait here has changed. */
    void (*on_count)(void *data);
};

/* settings and events must outlive it. */
struct newcomers *newcomers_create(struct loop *loop, const struct settings *settings,
                                   const struct newcomers_events *events, void *data);

/* Closes those that wait. NULL is fine. */
void newcomers_destroy(struct newcomers *newcomers);

/* Takes over an accepted socket. */
void newcomers_take(struct newcomers *newcomers, struct socket *socket, const struct sockaddr *peer,
                    const struct listener_settings *listener);

/* How many wait for their header. */
size_t newcomers_count(const struct newcomers *newcomers);

/* Closes those that wait; where only_silent, just those that have sent nothing yet. */
void newcomers_close(struct newcomers *newcomers, bool only_silent);

#endif
