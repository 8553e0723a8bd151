#ifndef FLEXILIB_PROXY_ADMIN_ANSWERS_H
#define FLEXILIB_PROXY_ADMIN_ANSWERS_H

/* What the admin listener says: that the process lives (/healthz), whether it should get requests (/readyz), and how it
 * fares (/metrics). It reads what stands in shared memory, and changes nothing. */

#include "dispatch/dispatch.h"

struct metrics_table;
struct server_states;
struct supervision;

/* What there is to read; NULL where it is not to be had. */
struct admin_sources {
    const struct supervision *supervision;
    bool is_stopping; /* we have been told so ourselves, by a supervisor that may not be the region's any more */
    const struct metrics_table *metrics;
    const struct settings *settings;
    const struct server_states *servers;
    const uint32_t *server_numbers; /* in there, in the order of the settings' upstreams and of the servers in each */
};

/* Answers the request; see struct dispatch_site. data is the struct admin_sources. */
struct response_source admin_answers_give(void *data, struct exchange *exchange,
                                          void (*on_over)(struct exchange *exchange));

#endif
