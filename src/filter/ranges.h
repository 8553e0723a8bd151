#ifndef FLEXILIB_FILTER_RANGES_H
#define FLEXILIB_FILTER_RANGES_H

/* Addresses and networks that an option names, as a filter asks whether a client is in one of them. */

#include "config/address_range.h"

struct flexilib_ranges {
    const struct address_range *items; /* count of them */
    size_t count;
};

/* Whether the address, as core->peer_address gives it, is in one of the ranges. [any thread] */
bool ranges_hold(const struct flexilib_ranges *ranges, struct slice address);

#endif
