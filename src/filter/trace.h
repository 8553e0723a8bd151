#ifndef FLEXILIB_FILTER_TRACE_H
#define FLEXILIB_FILTER_TRACE_H

/* The trace that a request belongs to (W3C Trace Context, level 1). */

#include "filter/exchange.h"

/* 32 hexadecimal digits: what traceparent says where it is well-formed, otherwise made for the exchange. Settled when
 * it is asked for first. Lives as long as the exchange. */
struct slice trace_id(struct exchange *exchange);

#endif
