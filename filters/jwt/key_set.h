#ifndef JWT_KEY_SET_H
#define JWT_KEY_SET_H

/* Keys that tokens may be signed with: from a JWK set (RFC 7517), from PEM, or a shared secret. A set is complete when
 * it is made and never changes; a newer one replaces it. */

#include "algorithm.h"

#include <flexilib/filter.h>
#include <openssl/evp.h>

struct key {
    enum key_kind kind;
    char *id;                     /* kid; NULL: none, so that any token may mean it */
    const struct algorithm *only; /* what its `alg` says; NULL: any of its kind */
    const char *curve;            /* of an EC key: OpenSSL's name of its group */
    EVP_PKEY *public_key;
    unsigned char *secret; /* of KEY_SECRET */
    size_t secret_length;
};

struct key_set {
    struct key *keys;
    size_t count;
};

enum {
    KEY_SET_REASON_BYTES = 160,
    KEY_SET_LEAST_SECRET_BYTES = 32, /* for HS256, which wants the fewest */
};

/* Reads a JWK set, one JWK, or PEM with public keys or certificates. Keys of a set that are not for signatures, or of a
 * kind that is not known, are left out, as RFC 7517 section 5 asks; a set without any other is an error. Returns NULL
 * and writes why. */
struct key_set *key_set_read(const char *data, size_t length, char reason[KEY_SET_REASON_BYTES]);

/* A set of just that secret. */
struct key_set *key_set_from_secret(const char *data, size_t length);

/* NULL is fine. */
void key_set_destroy(struct key_set *set);

/* Whether a token that names this key (kid; data NULL: none) and algorithm may be signed by it. A secret has as many
 * bytes as the algorithm's digest at least (RFC 7518 section 3.2). */
bool key_fits(const struct key *key, struct flexilib_text id, const struct algorithm *algorithm);

/* Adds an empty key at the end of the set; NULL without memory. For the readers of jwk.c. */
struct key *key_set_add(struct key_set *set);

#endif
