#ifndef FLEXILIB_BASE_CORE_METRICS_H
#define FLEXILIB_BASE_CORE_METRICS_H

/* What workers count of their own work, beside what filters count: the list of it all, and a worker's view. It stands
 * in the shared memory of metrics, so it is summed over workers and outlives them; what is read from other places when
 * somebody asks stands in state_text.h. All calls: any thread. */

#include "base/metrics.h"

enum core_metric {
    CORE_REQUESTS = 0,           /* route, code */
    CORE_REQUEST_SECONDS,        /* route; a histogram */
    CORE_REQUEST_BYTES,          /* route */
    CORE_RESPONSE_BYTES,         /* route */
    CORE_REQUESTS_NOW,           /* gauge */
    CORE_TUNNELS_NOW,            /* gauge */
    CORE_CONNECTIONS,            /* listener */
    CORE_CONNECTIONS_NOW,        /* listener; gauge */
    CORE_UPSTREAM_TRIES,         /* upstream, server */
    CORE_UPSTREAM_LOSSES,        /* upstream, server, kind */
    CORE_UPSTREAM_RETRIES,       /* upstream */
    CORE_UPSTREAM_SECONDS,       /* upstream; a histogram */
    CORE_UPSTREAM_NOW,           /* upstream, server; gauge */
    CORE_UPSTREAM_QUEUED,        /* upstream */
    CORE_UPSTREAM_QUEUE_SECONDS, /* upstream */
    CORE_FILTER_CALLS,           /* filter, hook */
    CORE_FILTER_SECONDS,         /* filter, hook */
    CORE_FILTER_ERRORS,          /* filter, hook */
    CORE_METRICS_COUNT,
};

struct core_metrics;

/* Declares them all. What the table has no room for is left out, with a line in the log. */
struct core_metrics *core_metrics_create(struct metrics *metrics);
void core_metrics_destroy(struct core_metrics *core);

/* The series with these label values, in the order that stands above. NULL where core is, or where the table has no
 * room; the calls below do nothing then. Keep it: looking it up is what costs. */
struct series *core_metrics_find(struct core_metrics *core, enum core_metric metric, const struct slice *values);

static inline void core_metrics_add(struct series *series, double amount)
{
    if (series != NULL)
        series_add(series, amount);
}

static inline void core_metrics_set(struct series *series, double value)
{
    if (series != NULL)
        series_set(series, value);
}

static inline void core_metrics_observe(struct series *series, double value)
{
    if (series != NULL)
        series_observe(series, value);
}

#endif
