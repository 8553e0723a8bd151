#ifndef FLEXILIB_LISTEN_TLS_OCSP_H
#define FLEXILIB_LISTEN_TLS_OCSP_H

/* Fetches what an authority says of a certificate of its own, from the responder that the certificate names, for as
 * long as it is shown: anew when half of the time that an answer is good for is over, and after a failure with pauses
 * that grow to an hour. Only an answer that is for this certificate, says that it is good, and is signed by the
 * authority or on its behalf gets into the staple. Nothing waits for it. For tls*.c. */

#include "listen/tls_staple.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "tls/tls_pem.h"

#include <time.h>

struct tls_ocsp;

/* The pair and the staple must outlive it. */
struct tls_ocsp *tls_ocsp_create(const struct tls_pem_pair *pair, struct tls_staple *staple);

/* NULL is fine, here and below. */
void tls_ocsp_destroy(struct tls_ocsp *ocsp);

void tls_ocsp_start(struct tls_ocsp *ocsp, struct loop *loop, struct resolver *resolver);
void tls_ocsp_stop(struct tls_ocsp *ocsp);

/* Warns where there is nobody to ask. */
void tls_ocsp_warn(const struct tls_ocsp *ocsp);

/* When to ask again, in milliseconds: after an answer that is good until then, or after so many failures in a row. */
int64_t tls_ocsp_next_ms(time_t now, time_t until);
int64_t tls_ocsp_retry_ms(unsigned failures);

#endif
