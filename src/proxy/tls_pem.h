#ifndef FLEXILIB_PROXY_TLS_PEM_H
#define FLEXILIB_PROXY_TLS_PEM_H

/* Certificates and keys out of the settings' files, for either role; mistakes are told at the place that names the
 * file. For tls*.c. */

#include "config/settings.h"

struct ssl_ctx_st;
struct x509_store_st;

/* Makes the set of authorities that the file holds. Returns NULL and fills error where it holds none. */
struct x509_store_st *tls_pem_read_authorities(const struct file_settings *file, struct error *error);

/* Has the context show the certificate, with the others of its file that lead to an authority, and prove it by the
 * key. Returns false and fills error. */
bool tls_pem_use_certificate(struct ssl_ctx_st *context, const struct file_settings *certificate,
                             const struct file_settings *key, struct error *error);

#endif
