#ifndef FLEXILIB_FILTER_HOOK_COUNTS_H
#define FLEXILIB_FILTER_HOOK_COUNTS_H

/* What is counted of the hooks of filters that have the same name, for the metrics that all workers share: calls, the
 * time in them, and those that went wrong. Reading a clock twice costs more than all else here, so of a hook that is
 * called often on the loop, one call in eight is timed, chosen by chance, and counts for eight: the sum is right, but
 * for what chance does. Where counts is NULL, nobody counts. */

#include "base/core_metrics.h"
#include "base/slot.h"

#include <sys/queue.h>

struct hook_counts;
struct hook_series;

LIST_HEAD(hook_counts_list, hook_counts);

/* Those of the filter with this name, which the list owns. NULL where core is. */
struct hook_counts *hook_counts_find(struct hook_counts_list *list, struct core_metrics *core, struct slice filter);
void hook_counts_finish(struct hook_counts_list *list);

/* A call under way. */
struct hook_watch {
    const struct hook_series *series; /* NULL: nobody counts it */
    uint64_t began_ns;
    unsigned weight; /* how many calls its time counts for */
};

/* A call of that hook begins, on the loop or on another thread. [any thread] */
struct hook_watch hook_counts_begin(struct hook_counts *counts, enum slot_hook hook, bool is_on_loop);

/* It has returned. [any thread] */
void hook_counts_end(const struct hook_watch *watch);

/* It has gone wrong. [any thread] */
void hook_counts_fail(struct hook_counts *counts, enum slot_hook hook);

#endif
