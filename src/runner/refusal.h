#ifndef FLEXILIB_RUNNER_REFUSAL_H
#define FLEXILIB_RUNNER_REFUSAL_H

/* A struct error on its way from a runner to a worker. */

#include "base/error.h"

void refusal_print(const struct error *error, struct text *out);

/* Fills error, with some sentence at least. */
void refusal_read(struct slice message, struct error *error);

#endif
