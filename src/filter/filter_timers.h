#ifndef FLEXILIB_FILTER_FILTER_TIMERS_H
#define FLEXILIB_FILTER_FILTER_TIMERS_H

/* The extension timer: what it does is told in flexilib/ext/timer.h. A timer belongs to the use that has started it,
 * one that ends a pause to the exchange. Knows no clock: where nobody provides alarms, as in a check, timers start and
 * stop, and none ever comes. */

#include "flexilib/ext/timer.h"

extern const struct flexilib_timer filter_timers_table;

#endif
