#include "filter/extensions.h"

#include "filter/dictionary.h"
#include "filter/filter_fetches.h"
#include "filter/filter_metrics.h"
#include "filter/filter_timers.h"
#include "filter/offload.h"
#include "filter/runtime_state.h"

#include <string.h>

struct extension {
    const char *id;
    const void *table;
    bool serves_blocking; /* filters whose hooks run on other threads */
    bool serves_isolated; /* filters in a process of their own */
};

static const struct extension extensions[] = {
    {FLEXILIB_DICTIONARY, &dictionary_table, .serves_blocking = true, .serves_isolated = true},
    {FLEXILIB_METRICS, &filter_metrics_table, .serves_blocking = true, .serves_isolated = true},
    {FLEXILIB_OFFLOAD, &offload_table, .serves_blocking = false, .serves_isolated = true},
    {FLEXILIB_FETCH, &filter_fetches_table, .serves_blocking = false, .serves_isolated = false},
    {FLEXILIB_TIMER, &filter_timers_table, .serves_blocking = false, .serves_isolated = true},
};

static const void *find_other(const struct use *use, const char *id)
{
    const struct runtime_services *services = &use->runtime->services;
    return services->find_extension == NULL ? NULL : services->find_extension(services->context, id);
}

const void *extension_find(const struct use *use, const char *id)
{
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); ++i) {
        if (strcmp(extensions[i].id, id) != 0)
            continue;
        if ((use->is_blocking && !extensions[i].serves_blocking) ||
            (use->is_isolated && !extensions[i].serves_isolated))
            return NULL;
        const void *other = find_other(use, id);
        return other != NULL ? other : extensions[i].table;
    }
    return NULL;
}
