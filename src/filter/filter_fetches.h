#ifndef FLEXILIB_FILTER_FILTER_FETCHES_H
#define FLEXILIB_FILTER_FILTER_FETCHES_H

/* The extension fetch: what it does is told in flexilib/ext/fetch.h. Judges what filters ask for, bounds how much and
 * for how long, and ends it with what it belongs to; servers are asked by whoever provides fetch_services. */

#include "filter/fetch_services.h"
#include "filter/numbers.h"
#include "flexilib/ext/fetch.h"

#include <sys/queue.h>

struct filter_fetch;

/* All fetches of a runtime. */
struct filter_fetches {
    const struct fetch_services *services; /* NULL: what begins is never sent, as in a check */
    void *context;
    struct numbers numbers;
    LIST_HEAD(filter_fetch_list, filter_fetch) list;
    bool is_closed; /* none begins any more */
};

extern const struct flexilib_fetch filter_fetches_table;

#endif
