#include "filter/hook_counts.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>

enum {
    MOST_HOOKS = 32, /* those with higher numbers are not counted */
    ALL_TIMED = 256, /* calls of each hook, in each worker, before chance has its way */
    SAMPLE_WEIGHT = 8,
};

struct hook_series {
    struct series *calls; /* NULL until the first call; then all else is there */
    struct series *seconds, *errors;
    uint32_t timed; /* calls on the loop so far, up to ALL_TIMED */
};

struct hook_counts {
    struct core_metrics *core;
    char *filter;
    uint32_t chance;
    struct hook_series hooks[MOST_HOOKS];
    LIST_ENTRY(hook_counts) entry;
};

struct hook_counts *hook_counts_find(struct hook_counts_list *list, struct core_metrics *core, struct slice filter)
{
    struct hook_counts *counts;
    if (core == NULL)
        return NULL;
    LIST_FOREACH(counts, list, entry)
    {
        if (slice_equals(slice_from_text(counts->filter), filter))
            return counts;
    }
    counts = mem_zalloc(sizeof(*counts));
    counts->core = core;
    counts->filter = mem_copy_text(filter.data, filter.length);
    LIST_INSERT_HEAD(list, counts, entry);
    return counts;
}

void hook_counts_finish(struct hook_counts_list *list)
{
    while (!LIST_EMPTY(list)) {
        struct hook_counts *counts = LIST_FIRST(list);
        LIST_REMOVE(counts, entry);
        free(counts->filter);
        free(counts);
    }
}

/* Several threads may do this at once, and all write the same. */
static void find_series(struct hook_counts *counts, enum slot_hook hook, struct hook_series *series)
{
    const struct slice values[] = {slice_from_text(counts->filter), slice_from_text(slot_hook_name(hook))};
    struct series *calls = core_metrics_find(counts->core, CORE_FILTER_CALLS, values);
    struct series *seconds = core_metrics_find(counts->core, CORE_FILTER_SECONDS, values);
    struct series *errors = core_metrics_find(counts->core, CORE_FILTER_ERRORS, values);
    __atomic_store_n(&series->seconds, seconds, __ATOMIC_RELAXED);
    __atomic_store_n(&series->errors, errors, __ATOMIC_RELAXED);
    __atomic_store_n(&series->calls, calls, __ATOMIC_RELEASE);
}

/* NULL where nobody counts it. */
static struct hook_series *find_hook(struct hook_counts *counts, enum slot_hook hook)
{
    if (counts == NULL || (unsigned)hook >= MOST_HOOKS)
        return NULL;
    struct hook_series *series = &counts->hooks[hook];
    if (__atomic_load_n(&series->calls, __ATOMIC_ACQUIRE) == NULL)
        find_series(counts, hook, series);
    return series;
}

/* Anything that is in step with no pattern of requests will do (the generator of Numerical Recipes). */
static unsigned choose_weight(struct hook_counts *counts, struct hook_series *series)
{
    if (series->timed < ALL_TIMED) {
        ++series->timed;
        return 1;
    }
    counts->chance = counts->chance * 1664525 + 1013904223;
    return (counts->chance >> 16) % SAMPLE_WEIGHT == 0 ? SAMPLE_WEIGHT : 0;
}

struct hook_watch hook_counts_begin(struct hook_counts *counts, enum slot_hook hook, bool is_on_loop)
{
    struct hook_series *series = find_hook(counts, hook);
    if (series == NULL)
        return (struct hook_watch){.series = NULL};
    unsigned weight = is_on_loop ? choose_weight(counts, series) : 1;
    return (struct hook_watch){series, weight == 0 ? 0 : clock_monotonic_ns(), weight};
}

void hook_counts_end(const struct hook_watch *watch)
{
    const struct hook_series *series = watch->series;
    if (series == NULL)
        return;
    core_metrics_add(__atomic_load_n(&series->calls, __ATOMIC_RELAXED), 1);
    if (watch->weight == 0)
        return;
    uint64_t taken_ns = (clock_monotonic_ns() - watch->began_ns) * watch->weight;
    core_metrics_add(__atomic_load_n(&series->seconds, __ATOMIC_RELAXED), (double)taken_ns / 1e9);
}

void hook_counts_fail(struct hook_counts *counts, enum slot_hook hook)
{
    const struct hook_series *series = find_hook(counts, hook);
    if (series != NULL)
        core_metrics_add(__atomic_load_n(&series->errors, __ATOMIC_RELAXED), 1);
}
