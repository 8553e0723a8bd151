#ifndef FLEXILIB_DISPATCH_REQUEST_COUNTS_H
#define FLEXILIB_DISPATCH_REQUEST_COUNTS_H

/* Counts requests that are over by their routes, for the metrics that all workers share. What it has once looked up it
 * keeps: a request costs a handful of additions. */

#include "base/core_metrics.h"
#include "filter/expansion.h"
#include "plan/plan.h"

struct request_counts;

/* core must outlive it. */
struct request_counts *request_counts_create(struct core_metrics *core);

/* NULL is fine. */
void request_counts_destroy(struct request_counts *counts);

/* A request is over, with the response's status in the exchange. route, which outlives the counts, is NULL where it was
 * refused before it had one. */
void request_counts_add(struct request_counts *counts, const struct plan_route *route, const struct exchange *exchange,
                        const struct expansion_times *times);

#endif
