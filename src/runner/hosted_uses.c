#include "runner/hosted_uses.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "filter/library.h"
#include "filter/options.h"
#include "filter/readiness.h"

#include <stdlib.h>

enum {
    AGAIN_MS = 1000,
};

struct hosted_use *hosted_uses_find(const struct hosted_uses *uses, uint64_t step)
{
    for (size_t i = 0; i < uses->count; ++i) {
        if (uses->items[i]->step == step)
            return uses->items[i];
    }
    return NULL;
}

static struct use *create(const struct runner_host_parts *parts, struct library *library, unsigned number,
                          struct error *error)
{
    const struct step_settings *step = settings_find_step(parts->settings, number);
    if (step == NULL || step->runner != parts->runner || library == NULL) {
        error_set(error, "the configuration has no such use of the library");
        return NULL;
    }
    const struct flexilib_filter *filter =
        library_find_filter(library, step->filter, settings_library_name(step), step->place, error);
    const struct option_scope scope = {parts->source, parts->settings};
    return filter == NULL ? NULL : use_create(parts->runtime, library, filter, step, &scope, error);
}

struct hosted_use *hosted_uses_make(struct hosted_uses *uses, const struct runner_host_parts *parts,
                                    struct library *library, unsigned step, struct error *error)
{
    struct use *use = create(parts, library, step, error);
    /* from its end on: one that takes its time to refuse, again and again, would leave none to the others */
    uses->again_ms = clock_monotonic_us() / 1000 + AGAIN_MS;
    if (use == NULL)
        return NULL;
    struct hosted_use *hosted = mem_zalloc(sizeof(*hosted));
    hosted->step = step;
    hosted->use = use;
    hosted->chain = (struct chain){.uses = &hosted->use, .count = 1};
    uses->items = mem_grow(uses->items, uses->count, &uses->capacity, sizeof(struct hosted_use *));
    uses->items[uses->count++] = hosted;
    hosted_use_settle(hosted, error);
    return hosted;
}

void hosted_uses_retry(struct hosted_uses *uses, const struct runner_host_parts *parts, struct library *library,
                       unsigned step)
{
    struct error error = ERROR_INIT;
    if (library == NULL || hosted_uses_find(uses, step) != NULL || loop_now_ms(parts->loop) < uses->again_ms)
        return;
    if (hosted_uses_make(uses, parts, library, step, &error) == NULL)
        log_line(LOG_LEVEL_ERROR, "library '%.*s': still refuses: %s", SLICE_ARG(parts->runner->name), error.message);
}

bool hosted_uses_wait(const struct hosted_uses *uses)
{
    for (size_t i = 0; i < uses->count; ++i) {
        if (uses->items[i]->is_waiting)
            return true;
    }
    return false;
}

bool hosted_uses_have_failed(const struct hosted_uses *uses)
{
    for (size_t i = 0; i < uses->count; ++i) {
        if (uses->items[i]->has_failed)
            return true;
    }
    return false;
}

bool hosted_use_settle(struct hosted_use *use, struct error *error)
{
    enum runtime_readiness readiness = use_readiness(use->use, error);
    use->is_waiting = readiness != RUNTIME_READY;
    use->has_failed = readiness == RUNTIME_FAILED;
    return readiness != RUNTIME_WAITING;
}

void hosted_uses_finish(struct hosted_uses *uses)
{
    while (uses->count != 0) {
        struct hosted_use *use = uses->items[--uses->count];
        use_destroy(use->use);
        free(use);
    }
    free(uses->items);
}
