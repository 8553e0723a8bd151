#ifndef FLEXILIB_UPSTREAM_CONNECTOR_H
#define FLEXILIB_UPSTREAM_CONNECTOR_H

/* Makes a new connection to a server: looks its name up where it is one, tries the addresses in turn, says by the PROXY
 * protocol whose the connection is where the upstream asks for that, and agrees on TLS where the server wants it.
 * Embedded in the request it works for; zero bytes are a stopped one. */

#include "net/proxy_header.h"
#include "net/socket.h"
#include "upstream/server.h"

enum {
    CONNECTOR_REASON_BYTES = 192,
};

struct connector {
    struct loop *loop;
    struct resolver *resolver;
    const struct exchange *exchange; /* whose request it is for, NULL: our own; until the outcome */
    const struct server *server;
    /* The outcome, never from within connector_start: a connected socket that is now the receiver's (with reading
     * off), or NULL and why, in plain words. */
    void (*on_connected)(void *data, struct socket *socket, const char *reason, bool is_timeout);
    void *data;
    struct resolver_query *query;
    struct socket *socket;
    struct timer timer;
    struct resolver_address addresses[RESOLVER_ADDRESSES];
    size_t count, position;
    bool is_securing; /* connected, and TLS is being agreed on */
    bool has_failed;  /* the timer will say so */
    bool is_timeout;
    bool is_starved; /* of descriptors: the timer will look again */
    uint64_t starved_until_ms;
    char reason[CONNECTOR_REASON_BYTES];
    struct proxy_header proxy_header;
};

/* loop, resolver, exchange, on_connected and data are set. Each address, and the look-up, has the upstream's
 * connect_timeout_ms, TLS its tls_timeout_ms behind that.
 */
void connector_start(struct connector *connector, const struct server *server);

/* Gives up; on_connected will not come. Harmless when stopped. */
void connector_stop(struct connector *connector);

#endif
