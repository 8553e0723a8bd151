#ifndef FLEXILIB_TLS_TLS_PEM_H
#define FLEXILIB_TLS_TLS_PEM_H

/* Certificates and keys out of the settings' files, for either role; mistakes are told at the place that names the
 * file. For tls*.c. */

#include "config/settings.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct stack_st_X509;
struct x509_st;
struct x509_store_st;

/* A certificate, those that lead from it to an authority, and its key. */
struct tls_pem_pair {
    struct x509_st *leaf;
    struct stack_st_X509 *chain;
    struct evp_pkey_st *key;
    const struct file_settings *certificate, *key_file; /* what it is from */
};

/* Makes the set of authorities that the file holds. Returns NULL and fills error where it holds none. */
struct x509_store_st *tls_pem_read_authorities(const struct file_settings *file, struct error *error);

/* Adds the lists of revoked certificates that the file holds. Returns false and fills error where it holds none. */
bool tls_pem_read_revoked(struct x509_store_st *authorities, const struct file_settings *file, struct error *error);

/* Reads a certificate and the key that belongs to it. The files' settings must outlive the pair. Returns false and
 * fills error; then there is nothing to free. */
bool tls_pem_read_pair(struct tls_pem_pair *pair, const struct file_settings *certificate,
                       const struct file_settings *key, struct error *error);
void tls_pem_free_pair(struct tls_pem_pair *pair);

/* Has the context show the pair's certificate, beside those with keys of other kinds that it shows already. Returns
 * false and fills error. */
bool tls_pem_use_pair(struct ssl_ctx_st *context, const struct tls_pem_pair *pair, struct error *error);

/* Has the context show the certificate, with the others of its file that lead to an authority, and prove it by the
 * key. Returns false and fills error. */
bool tls_pem_use_certificate(struct ssl_ctx_st *context, const struct file_settings *certificate,
                             const struct file_settings *key, struct error *error);

/* Warns of a key that not only its owner can read. */
void tls_pem_warn_of_key(const struct file_settings *key);

#endif
