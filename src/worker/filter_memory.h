#ifndef FLEXILIB_WORKER_FILTER_MEMORY_H
#define FLEXILIB_WORKER_FILTER_MEMORY_H

/* The shared memory of extensions, as a worker's filters have it. */

#include "filter/runtime.h"
#include "process/role.h"

struct filter_memory {
    /* NULL: not to be had, so the runtime has one that it shares with nobody */
    struct dictionary_store *dictionary;
    struct metrics *metrics;
    struct metrics_table *metrics_table; /* NULL where metrics is */
    struct core_metrics *core_metrics;   /* likewise */
};

/* Maps it and gives it to the runtime, which it has to outlive; warns where that is not possible. */
void filter_memory_open(struct filter_memory *memory, const struct role *role, struct runtime *runtime);
void filter_memory_close(struct filter_memory *memory);

#endif
