#ifndef FLEXILIB_UPSTREAM_UPSTREAM_METRICS_H
#define FLEXILIB_UPSTREAM_UPSTREAM_METRICS_H

/* What is counted of upstreams and their servers, for the metrics that all workers share. Until they are looked up
 * nothing is. */

#include "base/core_metrics.h"

enum server_loss {
    SERVER_LOSS_CONNECT = 0, /* no connection came about */
    SERVER_LOSS_TIMEOUT,     /* of any kind */
    SERVER_LOSS_BROKEN,      /* it broke off, or was no good HTTP */
    SERVER_LOSS_COUNT,
};

struct server_metrics {
    struct series *tries, *requests;
    struct series *losses[SERVER_LOSS_COUNT];
};

struct upstream_metrics {
    struct series *retries, *seconds;
};

struct queue_metrics {
    struct series *queued, *seconds;
};

void server_metrics_find(struct server_metrics *metrics, struct core_metrics *core, struct slice upstream,
                         struct slice url);
void upstream_metrics_find(struct upstream_metrics *metrics, struct core_metrics *core, struct slice upstream);
void queue_metrics_find(struct queue_metrics *metrics, struct core_metrics *core, struct slice upstream);

#endif
