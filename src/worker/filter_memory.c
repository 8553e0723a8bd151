#include "worker/filter_memory.h"

#include "base/core_metrics.h"
#include "base/log.h"
#include "process/dictionary_region.h"
#include "process/metrics_region.h"

#include <errno.h>
#include <string.h>

static void share_dictionary(struct filter_memory *memory, const struct role *role, struct runtime *runtime)
{
    memory->dictionary = dictionary_region_attach(ROLE_DICTIONARY_FD, role->slot);
    if (memory->dictionary == NULL)
        log_line(LOG_LEVEL_WARNING,
                 "cannot use the shared memory of the dictionary: %s; filters of this worker have one of their own",
                 strerror(errno));
    else
        runtime_use_dictionary(runtime, memory->dictionary);
}

static void share_metrics(struct filter_memory *memory, const struct role *role, struct runtime *runtime)
{
    struct metrics_table *table = metrics_region_attach(ROLE_METRICS_FD);
    if (table == NULL) {
        log_line(LOG_LEVEL_WARNING, "cannot use the shared memory of metrics: %s; nobody will see those of this worker",
                 strerror(errno));
        return;
    }
    memory->metrics_table = table;
    memory->metrics = metrics_create(table, role->slot, role->generation);
    memory->core_metrics = core_metrics_create(memory->metrics);
    runtime_use_metrics(runtime, memory->metrics);
    runtime_use_core_metrics(runtime, memory->core_metrics);
}

void filter_memory_open(struct filter_memory *memory, const struct role *role, struct runtime *runtime)
{
    share_dictionary(memory, role, runtime);
    share_metrics(memory, role, runtime);
}

void filter_memory_close(struct filter_memory *memory)
{
    dictionary_store_destroy(memory->dictionary);
    core_metrics_destroy(memory->core_metrics);
    metrics_destroy(memory->metrics);
    *memory = (struct filter_memory){0};
}
