#ifndef FLEXILIB_FRONT_FRONT_HTTP1_H
#define FLEXILIB_FRONT_FRONT_HTTP1_H

/* The HTTP/1 front: takes accepted connections, reads requests from them, strictly, and writes the responses. What
 * happens in between is dispatch's. One per worker. */

#include "dispatch/dispatch.h"
#include "net/socket.h"
#include "net/socket_address.h"

struct front_http1;
struct front_http2;
struct http1_connection;
struct tls_listeners;

/* Everything given must outlive it. on_count(data) is called after each change of how many connections there are. */
struct front_http1 *front_http1_create(struct loop *loop, const struct settings *settings, struct dispatch *dispatch,
                                       void (*on_count)(void *data), void *data);

/* Has the listeners that want it speak TLS, before the first connection. tls must outlive the front. */
void front_http1_use_tls(struct front_http1 *front, struct tls_listeners *tls);

/* Has connections that turn out to speak HTTP/2 go to the front for that, before the first one, where any listener
 * speaks it. */
void front_http1_use_http2(struct front_http1 *front, struct front_http2 *http2);

/* Only when no connection is left. NULL is fine. */
void front_http1_destroy(struct front_http1 *front);

/* Takes over an accepted socket, and local, which is where its client has connected to, as a proxy has told; NULL: what
 * the socket is bound to. */
void front_http1_take(struct front_http1 *front, struct socket *socket, const struct socket_end *peer,
                      struct socket_end *local, const struct listener_settings *listener);

size_t front_http1_count(const struct front_http1 *front);

/* How many of them have had an answer and wait for the next request. */
size_t front_http1_resting(const struct front_http1 *front);

/* From now on every response ends its connection. Idle connections stay until their time is over, for one more. */
void front_http1_drain(struct front_http1 *front);

/* Closes the connections that wait for a next request of which nothing has come. */
void front_http1_close_idle(struct front_http1 *front);

/* Closes those of them that have had an answer: whoever has just come is still served. */
void front_http1_close_resting(struct front_http1 *front);

/* Finds a connection that waits for a request, of this listener, or of any where it is NULL: of those that are looked
 * at the one that has waited longest. NULL where there is none. */
struct http1_connection *front_http1_find_idle(struct front_http1 *front, const struct listener_settings *listener);
void front_http1_close_one(struct http1_connection *connection);

/* Cuts those with a request that began before that time; none that is a tunnel.
 * Returns how many. */
size_t front_http1_cut_requests(struct front_http1 *front, uint64_t began_before_us);

/* How many are closed, and wait for what filters do for them on other threads. */
size_t front_http1_count_closed(const struct front_http1 *front);

/* Cuts every connection. */
void front_http1_cut(struct front_http1 *front);

#endif
