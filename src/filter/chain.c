#include "filter/chain.h"

#include "base/alloc.h"
#include "filter/library.h"
#include "filter/library_own.h"
#include "filter/offload.h"
#include "filter/runtime_state.h"
#include "filter/use.h"

#include <stdlib.h>

static bool run_create(struct use *use, const struct step_settings *step, struct error *error)
{
    if (use->filter->create == NULL)
        return true;
    const struct use_creation creation = {.place = step->place, .error = error};
    use->creation = &creation;
    runtime_show_progress(use->runtime);
    runtime_enter(use->runtime, use, SLOT_HOOK_CREATE, &slot_no_request);
    bool is_created = use->filter->create(&use->core, use->options.values, &use->data);
    runtime_leave(use->runtime);
    use->creation = NULL;
    if (is_created && !error->is_set)
        return true;
    use->is_abandoned = !is_created;
    belongings_end(&use->belongings);
    offload_end(use);
    if (is_created && use->filter->destroy != NULL)
        use->filter->destroy(use->data);
    return error_set_at(error, step->place, "filter '%.*s' refused to start without saying why", SLICE_ARG(use->name));
}

bool use_takes_secret(const struct use *use)
{
    return options_have_secret(use->filter->options, use->filter->option_count);
}

/* Those of the original take care of their threads themselves, and stand-ins of isolated ones do not block. */
static bool is_blocking(const struct use *use)
{
    if (use->library != NULL && (library_is_original(use->library) || library_is_isolated(use->library)))
        return false;
    return (use->filter->flags & FLEXILIB_BLOCKING) != 0 || (use->declared != NULL && use->declared->is_blocking);
}

struct use *use_create(struct runtime *runtime, const struct library *library, const struct flexilib_filter *filter,
                       const struct step_settings *step, const struct option_scope *scope, struct error *error)
{
    struct use *use = mem_zalloc(sizeof(*use));
    use->core = core_table;
    use->runtime = runtime;
    use->library = library;
    use->declared = step->declared;
    use->step_number = step->number;
    use->filter = filter;
    use->on_error = step->on_error;
    use->is_blocking = is_blocking(use);
    pool_line_init(&use->line);
    use->wants_whole_requests = library_wants_whole_requests(library);
    arena_init(&use->arena, 0);
    use->name = arena_copy(&use->arena, step->name.length != 0 ? step->name : slice_from_text(filter->name));
    slot_show_name(use->name, use->slot_name);
    use->counts = hook_counts_find(&runtime->hook_counts, runtime->core_metrics, use->name);
    use->is_stand_in = library != NULL && library_is_isolated(library);
    use->is_isolated = step->runner != NULL || runtime->services.is_isolated;

    if (!options_read(filter, library_value_size(library), step, scope, &use->arena, &use->options, error)) {
        if (use_takes_secret(use))
            error_hide_line(error);
    } else if (quiescence_notes(use, step) || use_start(use, step, error)) {
        return use;
    }
    use_destroy(use);
    return NULL;
}

bool use_start(struct use *use, const struct step_settings *step, struct error *error)
{
    use->is_created = run_create(use, step, error);
    if (!use->is_created && use_takes_secret(use))
        error_hide_line(error);
    return use->is_created;
}

void use_destroy(struct use *use)
{
    if (use == NULL)
        return;
    belongings_end(&use->belongings);
    offload_end(use);
    if (use->is_created && use->filter->destroy != NULL) {
        runtime_enter(use->runtime, use, SLOT_HOOK_DESTROY, &slot_no_request);
        use->filter->destroy(use->data);
        runtime_leave(use->runtime);
    }
    quiescence_forget(use);
    readiness_finish(use);
    options_finish(&use->options);
    arena_finish(&use->arena);
    free(use);
}

struct slice use_name(const struct use *use)
{
    return use->name;
}

const char *use_library_path(const struct use *use)
{
    return library_path(use->library);
}

bool use_wants_quarantine(const struct use *use)
{
    return use->declared != NULL && use->declared->wants_quarantine;
}
