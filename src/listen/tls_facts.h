#ifndef FLEXILIB_LISTEN_TLS_FACTS_H
#define FLEXILIB_LISTEN_TLS_FACTS_H

/* What is known of the TLS that a client speaks, and of the certificate that it has shown: for filters, the access log
 * and servers (the facts are listed in flexilib/filter.h). One for each connection. Each fact is made when it is asked
 * for first, and kept for the connection's other requests; before that a connection costs a few bytes. It outlives the
 * socket, so that the facts can be had when the client has gone. */

#include "filter/exchange.h"

struct ssl_st;
struct tls_facts;

/* Takes a reference of the connection, whose app data it becomes. */
struct tls_facts *tls_facts_create(struct ssl_st *ssl);

/* The connection is over. No exchange may refer to it any more, unless it holds it. NULL is fine. */
void tls_facts_destroy(struct tls_facts *facts);

/* Keeps a copy of what the client calls us, normalized; empty where it says nothing. */
void tls_facts_note_server_name(struct tls_facts *facts, struct slice name);
struct slice tls_facts_server_name(const struct tls_facts *facts);

/* For an exchange; NULL where there is no TLS. */
struct exchange_tls *tls_facts_view(struct tls_facts *facts);

/* Whose certificate the client has shown, where it was good; cut where it is long, and empty where there is none. facts
 * may be NULL. */
struct slice tls_facts_client_name(struct tls_facts *facts);

#endif
