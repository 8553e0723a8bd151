#ifndef FLEXILIB_LISTEN_TLS_CHOICE_H
#define FLEXILIB_LISTEN_TLS_CHOICE_H

/* Which of a listener's certificates a name gets: those for exactly that name before those for a wildcard; where there
 * are several, the first one of each kind of key, of which OpenSSL then chooses by what the client understands. Names
 * that get the same certificates share a set, for which the owner makes a context. For tls*.c. */

#include "config/name_index.h"
#include "listen/tls_certificate.h"

/* The certificates that are for the same names. */
struct tls_set {
    const struct tls_certificate *certificates[TLS_KINDS]; /* by kind; NULL: none */
    struct tls_set *next;
    void *owner_data;
    struct ssl_ctx_st *context; /* the owner's to make and to free */
};

struct tls_choice {
    struct name_index names; /* to what holds the set */
    struct tls_set *first;   /* for all names that are not there */
    size_t set_count;
};

/* Sorts the certificates, at least one; everything made lives in the arena, and the certificates must outlive it. */
void tls_choice_init(struct tls_choice *choice, const struct tls_certificate *certificates, size_t count,
                     struct arena *arena);

/* The set for a normalized name; NULL where there is no certificate for it. */
struct tls_set *tls_choice_find(const struct tls_choice *choice, struct slice name);

/* Whether a set has the certificate. */
bool tls_choice_uses(const struct tls_choice *choice, const struct tls_certificate *certificate);

#endif
