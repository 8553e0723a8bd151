#ifndef FLEXILIB_TLS_TLS_H
#define FLEXILIB_TLS_TLS_H

/* TLS on a connected socket, in either role: a layer (socket_layer.h) behind which the owner goes on to use socket.h as
 * before. Who is spoken to, and with what certificate, is in the SSL that is handed in: tls_upstream.h makes those for
 * servers. Only files called tls*.c know OpenSSL.
 *
 * The end of the stream is close_notify. A connection that ends without it has failed (EPROTO), since anybody on the
 * way could have cut it. */

#include "net/loop.h"
#include "net/socket.h"

struct bio_method_st;
struct ssl_st;

/* How OpenSSL reads from and writes to a socket: made once, for all connections. */
struct bio_method_st *tls_wire_create(void);

/* NULL is fine. */
void tls_wire_destroy(struct bio_method_st *wire);

/* What tls_start wants to know. on_secured comes once unless the socket is closed before, never from within: with NULL,
 * after which the socket can be used, or with why not in plain words, after which the owner closes it. */
struct tls_start {
    struct loop *loop;
    struct bio_method_st *wire;
    struct ssl_st *ssl; /* taken over; its role is set */
    void (*on_secured)(void *data, const char *failure);
    void *data;
};

/* Begins the handshake; how long it may take is the owner's to watch. Reading is off for the owner afterwards. */
void tls_begin(struct socket *socket, const struct tls_start *start);

/* Whether the handshake is over. */
bool tls_is_secured(const struct socket *socket);

/* Whether the connection was ended because the other side wanted new keys all the time, or another handshake. */
bool tls_is_flooded(const struct socket *socket);

/* Whether the other side has begun with a handshake that is not over. */
bool tls_is_shaking_hands(const struct socket *socket);

/* Takes TLS off after on_secured's failure, as if it had never been there, where the other side speaks a plain
 * protocol: what it has sent is lost, but it understands a plain answer. Returns false, and does nothing, where that is
 * not so. */
bool tls_take_off(struct socket *socket);

/* What OpenSSL knows of the connection; NULL where the socket has no TLS. */
struct ssl_st *tls_get_ssl(const struct socket *socket);

#endif
