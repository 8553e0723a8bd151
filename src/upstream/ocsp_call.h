#ifndef FLEXILIB_UPSTREAM_OCSP_CALL_H
#define FLEXILIB_UPSTREAM_OCSP_CALL_H

/* One question to an authority's OCSP responder (RFC 6960 appendix A): a POST by plain HTTP/1.1, with a bound for the
 * answer's size and one for the time it may take. What is asked and answered is the caller's to understand. */

#include "base/slice.h"
#include "net/loop.h"
#include "net/resolver.h"

struct ocsp_call;

/* The URL's parts. */
struct ocsp_responder {
    struct slice host; /* without brackets */
    uint16_t port;
    struct slice target; /* path and query */
};

/* Asks; the responder's texts must outlive the call. on_over comes once, never from within, when the call is gone
 * already: with the answer's body, valid until it returns, or with why there is none, in plain words. */
struct ocsp_call *ocsp_call_start(struct loop *loop, struct resolver *resolver, const struct ocsp_responder *responder,
                                  struct slice question,
                                  void (*on_over)(void *data, struct slice answer, const char *failure), void *data);

/* on_over will not come. NULL is fine. */
void ocsp_call_cancel(struct ocsp_call *call);

#endif
