#ifndef FLEXILIB_FILTER_FILTER_METRICS_H
#define FLEXILIB_FILTER_FILTER_METRICS_H

/* The extension metrics: what it does is told in flexilib/ext/metrics.h, how in base/metrics.h. */

#include "base/metrics.h"
#include "flexilib/ext/metrics.h"

#include <pthread.h>

/* Of a runtime. */
struct filter_metrics {
    struct metrics *shared, *own; /* own is made where nobody has given any, as in a check */
    pthread_mutex_t mutex;
};

extern const struct flexilib_metrics filter_metrics_table;

void filter_metrics_init(struct filter_metrics *metrics);
void filter_metrics_finish(struct filter_metrics *metrics);

#endif
