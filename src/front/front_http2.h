#ifndef FLEXILIB_FRONT_FRONT_HTTP2_H
#define FLEXILIB_FRONT_FRONT_HTTP2_H

/* The HTTP/2 front: takes connections that turned out to speak it from front_http1.h, reads requests from their
 * streams, strictly, and writes the responses. What happens in between is dispatch's. One per worker. Only files called
 * http2_*.c know libnghttp2. */

#include "dispatch/dispatch.h"
#include "net/socket.h"
#include "net/socket_address.h"

struct front_http2;
struct tls_facts;
struct tls_listeners;

/* Everything given must outlive it. on_count(data) is called after each change of how many connections there are. */
struct front_http2 *front_http2_create(struct loop *loop, const struct settings *settings, struct dispatch *dispatch,
                                       void (*on_count)(void *data), void *data);

/* Has the listeners' certificates at hand, before the first connection. tls must outlive the front. */
void front_http2_use_tls(struct front_http2 *front, struct tls_listeners *tls);

/* Only when no connection is left. NULL is fine. */
void front_http2_destroy(struct front_http2 *front);

/* A connection that turned out to be of HTTP/2. */
struct front_http2_start {
    struct socket *socket;
    struct tls_facts *tls;         /* NULL: it has no TLS; taken over */
    const struct socket_end *peer; /* is copied */
    struct socket_end *local;      /* as front_http1_take's */
    const struct listener_settings *listener;
    struct slice received; /* from it already */
};

/* Takes over a socket. */
void front_http2_take(struct front_http2 *front, const struct front_http2_start *start);

size_t front_http2_count(const struct front_http2 *front);

/* How many of them have had a request and wait for the next one. */
size_t front_http2_resting(const struct front_http2 *front);

/* Tells every client, now or when it comes, to go elsewhere with new requests. Those on their way are still served. */
void front_http2_drain(struct front_http2 *front);

/* Closes the connections that have no request. */
void front_http2_close_idle(struct front_http2 *front);

/* Tells a connection that has no request to leave, of this listener, or of any where it is NULL: of those that are
 * looked at the one that has waited longest. */
void front_http2_close_one_idle(struct front_http2 *front, const struct listener_settings *listener);

/* Resets the streams with a request that began before that time; none that is a tunnel.
 * Returns how many. */
size_t front_http2_cut_requests(struct front_http2 *front, uint64_t began_before_us);

/* How many are closed, and wait for what filters do for them on other threads. */
size_t front_http2_count_closed(const struct front_http2 *front);

/* Cuts every connection. */
void front_http2_cut(struct front_http2 *front);

#endif
