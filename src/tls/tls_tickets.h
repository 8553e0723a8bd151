#ifndef FLEXILIB_TLS_TLS_TICKETS_H
#define FLEXILIB_TLS_TLS_TICKETS_H

/* Protects sessions that clients keep, by the keys that all workers share. For tls*.c. */

#include "base/ticket_keys.h"

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct ssl_st;

/* What OpenSSL asks of SSL_CTX_set_tlsext_ticket_key_evp_cb's function, and what that returns. */
int tls_tickets_protect(const struct ticket_keys *keys, struct ssl_st *ssl, unsigned char name[16], unsigned char *iv,
                        struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac, int is_new);

#endif
