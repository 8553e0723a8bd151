#ifndef FLEXILIB_LISTEN_TLS_CERTIFICATE_H
#define FLEXILIB_LISTEN_TLS_CERTIFICATE_H

/* A certificate that a listener can show, and the names it is for. For tls*.c. */

#include "base/arena.h"
#include "listen/tls_ocsp.h"
#include "listen/tls_staple.h"
#include "tls/tls_pem.h"

/* Of a client that offers several, OpenSSL chooses the kind; it keeps one certificate of each. */
enum tls_kind {
    TLS_KIND_RSA = 0,
    TLS_KIND_EC,
    TLS_KIND_OTHER,
    TLS_KINDS,
};

struct tls_certificate {
    const struct certificate_settings *settings;
    struct tls_pem_pair pair;
    struct tls_staple *staple;
    struct tls_ocsp *ocsp; /* NULL: nothing is fetched */
    enum tls_kind kind;
    const struct slice *names; /* lower case; "*.example.com" stands for one more label */
    size_t name_count;
    unsigned char fingerprint[32]; /* SHA-256 */
};

/* Reads it; what it has goes into the arena. Returns false and fills error. */
bool tls_certificate_init(struct tls_certificate *certificate, const struct certificate_settings *settings,
                          struct arena *arena, struct error *error);
void tls_certificate_finish(struct tls_certificate *certificate);

enum {
    TLS_NAME_BYTES = 256,
};

/* A host's name as certificates are compared with it: lower case, without the dot that makes it absolute, in room.
 * Empty where it can be none. */
struct slice tls_name_normalize(struct slice name, char room[TLS_NAME_BYTES]);

/* The wildcard that such a name falls under, in room; empty where there is none. */
struct slice tls_name_wildcard(struct slice name, char room[TLS_NAME_BYTES]);

/* Whether it is for a normalized name. */
bool tls_certificate_covers(const struct tls_certificate *certificate, struct slice name);

#endif
