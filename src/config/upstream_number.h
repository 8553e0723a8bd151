#ifndef FLEXILIB_CONFIG_UPSTREAM_NUMBER_H
#define FLEXILIB_CONFIG_UPSTREAM_NUMBER_H

/* A number for whom an upstream stands for, by which filters of different generations find out whether they mean the
 * same by a name. */

#include "config/settings_upstream.h"

/* The same where the servers are the same ones, in the same order, and trusted in the same way. Never negative. */
int64_t upstream_number(const struct upstream_settings *upstream);

#endif
