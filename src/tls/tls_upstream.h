#ifndef FLEXILIB_TLS_TLS_UPSTREAM_H
#define FLEXILIB_TLS_TLS_UPSTREAM_H

/* TLS towards the servers of upstreams: what their settings ask for, made ready once, and what a worker remembers of
 * each server so that the next handshake is shorter. A server's sessions are used with that server, its name and its
 * upstream's settings only. */

#include "config/settings.h"
#include "net/loop.h"
#include "net/socket.h"

struct tls_upstream;
struct tls_upstreams;
struct tls_peer;

/* Reads the certificates and keys of all upstreams. settings must outlive it. Returns NULL and fills error. */
struct tls_upstreams *tls_upstreams_create(const struct settings *settings, struct error *error);

/* No peer may be left. NULL is fine. */
void tls_upstreams_destroy(struct tls_upstreams *upstreams);

/* NULL where the upstream with that index has no https:// server. */
struct tls_upstream *tls_upstreams_find(struct tls_upstreams *upstreams, size_t index);

/* Notes in the log whose certificates are not checked. */
void tls_upstreams_warn(const struct settings *settings);

struct tls_peer *tls_peer_create(struct tls_upstream *upstream, const struct server_settings *server);

/* Its connections are closed by then. NULL is fine. */
void tls_peer_destroy(struct tls_peer *peer);

/* Begins TLS on a socket that is connected to the server: see tls.h for the outcome. */
void tls_peer_begin(struct tls_peer *peer, struct loop *loop, struct socket *socket,
                    void (*on_secured)(void *data, const char *failure), void *data);

#endif
