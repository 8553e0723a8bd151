#ifndef FLEXILIB_LISTEN_TLS_LISTENER_H
#define FLEXILIB_LISTEN_TLS_LISTENER_H

/* TLS towards clients: the listeners' certificates, made ready once, and chosen by the name that a client wants (SNI).
 * A client that names nobody we know gets the first one. TLS 1.2 and 1.3 with forward secrecy and authenticated
 * encryption only, after Mozilla's "intermediate" recommendation of version 5.7. */

#include "base/arena.h"
#include "config/settings.h"
#include "net/loop.h"
#include "net/socket.h"

struct resolver;
struct ticket_keys;
struct tls_facts;
struct tls_listeners;

/* Reads the certificates and keys of all listeners. The settings and the keys by which sessions are
 * protected must outlive it; without keys (NULL) nobody else can take its sessions up again. Returns NULL and fills
 * error. */
struct tls_listeners *tls_listeners_create(const struct settings *settings, const struct ticket_keys *tickets,
                                           struct error *error);

/* No connection may be left. NULL is fine. */
void tls_listeners_destroy(struct tls_listeners *listeners);

/* Has OCSP responses fetched, where the settings want that, until it is stopped or everything is destroyed. NULL is
 * fine. */
void tls_listeners_start_fetching(struct tls_listeners *listeners, struct loop *loop, struct resolver *resolver);
void tls_listeners_stop_fetching(struct tls_listeners *listeners);

/* Begins TLS on a socket that was accepted by the listener with that index, which has TLS: see tls.h for the outcome.
 * Returns what will be known of it (tls_facts.h), which is the caller's to destroy once the socket is closed. */
struct tls_facts *tls_listeners_begin(struct tls_listeners *listeners, size_t index, struct loop *loop,
                                      struct socket *socket, void (*on_secured)(void *data, const char *failure),
                                      void *data);

/* Whether a request for that authority has come to the wrong connection: the certificate that the client was shown is
 * not for it, while another one of the listener's is (RFC 9110 section 15.5.20). */
bool tls_listeners_is_misdirected(const struct tls_listeners *listeners, size_t index, const struct socket *socket,
                                  struct slice authority);

/* Logs a handshake that has failed, of a client with that address, as long as that is one line a second. One that says
 * nothing at all is a scanner or a check of somebody's, and no failure. */
void tls_listeners_note_failure(struct tls_listeners *listeners, const struct socket *socket, const char *peer,
                                const char *failure);

/* Logs and counts, when the socket of a client with that address is closed, if that is because of new keys that it
 * wanted all the time. Without TLS nothing happens, and listeners may be NULL. */
void tls_listeners_note_end(struct tls_listeners *listeners, const struct socket *socket, const char *peer);

/* Warns of what works, but not as it should. */
void tls_listeners_warn(const struct tls_listeners *listeners);

#endif
