#ifndef T_CONFORMANCE_OPTIONS_H
#define T_CONFORMANCE_OPTIONS_H

/* A handler that takes an option of each type and replies with what it was given, a line for each. */

#include <flexilib/filter.h>

enum {
    GIVEN_COUNT = 20,
};

extern const struct flexilib_option given_options[GIVEN_COUNT];

bool given_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter);
void given_destroy(void *filter);
flexilib_answer given_on_request_head(void *filter, struct flexilib_exchange *exchange);

#endif
