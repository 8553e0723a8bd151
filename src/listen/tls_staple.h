#ifndef FLEXILIB_LISTEN_TLS_STAPLE_H
#define FLEXILIB_LISTEN_TLS_STAPLE_H

/* What an authority says of a certificate of its own (an OCSP response), sent along with it, so that clients need not
 * ask. It comes from a file, or was fetched, and is out of date some day; from then on it is not sent. For tls*.c. */

#include "base/text.h"
#include "config/settings.h"

#include <time.h>

struct asn1_string_st;
struct x509_st;

struct tls_staple {
    const struct file_settings *file; /* of path NULL: there is none */
    bool is_for_other;                /* certificates */
    bool was_fresh;                   /* when it was read */
    bool is_out_told;
    time_t next_update; /* 0: good for ever */
    struct text fetched;
    time_t fetched_until;
};

/* Reads what the file says of the certificate. Returns false and fills error. */
bool tls_staple_init(struct tls_staple *staple, const struct file_settings *file, const struct x509_st *certificate,
                     struct error *error);

void tls_staple_finish(struct tls_staple *staple);

/* Takes a copy of a response that was fetched, and that is good until then. */
void tls_staple_set(struct tls_staple *staple, struct slice response, time_t until);

/* 0 where it is none. */
time_t tls_staple_read_time(const struct asn1_string_st *text);

/* The response, or nothing where it cannot be sent any more. */
struct slice tls_staple_get(struct tls_staple *staple);

/* Warns where it could not be sent from the start. */
void tls_staple_warn(const struct tls_staple *staple);

#endif
