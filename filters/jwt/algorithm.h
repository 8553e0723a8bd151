#ifndef JWT_ALGORITHM_H
#define JWT_ALGORITHM_H

/* The signature algorithms of RFC 7518 and RFC 8037. Each belongs to one kind of key, which is what makes it impossible
 * to have a public key taken for a shared secret; and `none` is not among them. */

#include <stddef.h>

enum key_kind {
    KEY_RSA = 1,
    KEY_EC,
    KEY_EDWARDS,
    KEY_SECRET,
};

struct algorithm {
    const char *name;
    enum key_kind kind;
    const char *digest; /* OpenSSL's name; NULL for Edwards curves, which have their own */
    size_t digest_bytes;
    const char *curve;       /* OpenSSL's name of the group that ES algorithms are bound to */
    size_t coordinate_bytes; /* of which an ES signature has two */
    int is_pss;
};

/* The algorithm of that name, NULL where it is none of them. */
const struct algorithm *algorithm_find(const char *name, size_t length);

#endif
