#ifndef FLEXILIB_LISTEN_TLS_CLIENTS_H
#define FLEXILIB_LISTEN_TLS_CLIENTS_H

/* The certificates that a listener asks its clients for: by whom they have to be, and which of them are revoked. For
 * tls*.c. */

#include "config/settings.h"

struct evp_md_ctx_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct x509_store_st;

struct tls_clients {
    const struct listener_tls_settings *settings;
    struct x509_store_st *authorities; /* NULL: clients are not asked */
};

/* Reads what the settings name, and must outlive it. Returns false and fills error. */
bool tls_clients_init(struct tls_clients *clients, const struct listener_tls_settings *settings, struct error *error);
void tls_clients_finish(struct tls_clients *clients);

/* Has the context's connections ask for certificates. */
void tls_clients_ask(const struct tls_clients *clients, struct ssl_ctx_st *context);

/* Adds to a digest what tells listeners apart that ask for different certificates. */
void tls_clients_digest(const struct tls_clients *clients, struct evp_md_ctx_st *digest);

/* Whether the certificate that began a session is still within its time, or there was none. */
bool tls_clients_is_in_time(const struct ssl_session_st *session);

/* Warns where nobody's certificate can be good. */
void tls_clients_warn(const struct tls_clients *clients);

#endif
