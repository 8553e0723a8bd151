#ifndef T_CONFORMANCE_TICKER_H
#define T_CONFORMANCE_TICKER_H

/* A handler that streams, pauses before and after it has written something, and has no on_resume. */

#include <flexilib/filter.h>

bool ticker_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter);
flexilib_answer ticker_on_request_head(void *filter, struct flexilib_exchange *exchange);
flexilib_answer ticker_on_reply_body(void *filter, struct flexilib_exchange *exchange);

#endif
