#ifndef JWT_JWK_H
#define JWT_JWK_H

/* JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) as keys of OpenSSL. */

#include "key_set.h"

/* Adds the keys of a JWK set, or of one JWK. Returns false and writes why. */
bool jwk_read_set(struct key_set *set, const char *data, size_t length, char reason[KEY_SET_REASON_BYTES]);

/* OpenSSL's constant name for a group that it calls by any of its names; NULL for those that tokens do not use. */
const char *jwk_find_group(const char *name);

#endif
