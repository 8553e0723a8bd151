#ifndef T_CONFORMANCE_OBSERVER_H
#define T_CONFORMANCE_OBSERVER_H

/* Looks at bodies, and logs how many bytes there were in both halves. */

#include <flexilib/filter.h>

bool observer_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter);
flexilib_answer observer_on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                         size_t length, bool last);
flexilib_answer observer_on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                          size_t length, bool last);
void observer_on_end(void *filter, struct flexilib_exchange *exchange);

#endif
