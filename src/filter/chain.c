#include "filter/chain.h"

#include "base/alloc.h"
#include "filter/library_own.h"
#include "filter/runtime_state.h"
#include "filter/use.h"

#include <stdlib.h>

static const char no_request[SLOT_REQUEST_BYTES];

static bool run_create(struct use *use, const struct step_settings *step, const struct options *options,
                       struct error *error)
{
    if (use->filter->create == NULL)
        return true;
    const struct use_creation creation = {.place = step->place, .fields = options->fields, .error = error};
    use->creation = &creation;
    runtime_enter(use->runtime, use, SLOT_HOOK_CREATE, no_request);
    bool is_created = use->filter->create(&use->core, options->values, &use->data);
    runtime_leave(use->runtime);
    use->creation = NULL;
    if (is_created && !error->is_set)
        return true;
    if (is_created && use->filter->destroy != NULL)
        use->filter->destroy(use->data);
    return error_set_at(error, step->place, "filter '%.*s' refused to start without saying why", SLICE_ARG(use->name));
}

static bool takes_secret(const struct flexilib_filter *filter)
{
    for (size_t i = 0; i < filter->option_count; ++i) {
        if (filter->options[i].type == FLEXILIB_OPTION_SECRET)
            return true;
    }
    return false;
}

struct use *use_create(struct runtime *runtime, const struct library *library, const struct flexilib_filter *filter,
                       const struct step_settings *step, struct source *source, struct error *error)
{
    struct use *use = mem_zalloc(sizeof(*use));
    use->core = core_table;
    use->runtime = runtime;
    use->filter = filter;
    use->on_error = step->on_error;
    arena_init(&use->arena, 0);
    use->name = arena_copy(&use->arena, step->name.length != 0 ? step->name : slice_from_text(filter->name));
    slot_show_name(use->name, use->slot_name);

    struct options options;
    if (options_read(filter, library_value_size(library), step, source, &use->arena, &options, error) &&
        run_create(use, step, &options, error)) {
        use->is_created = true;
        return use;
    }
    if (takes_secret(filter))
        error_hide_line(error);
    use_destroy(use);
    return NULL;
}

void use_destroy(struct use *use)
{
    if (use == NULL)
        return;
    if (use->is_created && use->filter->destroy != NULL) {
        runtime_enter(use->runtime, use, SLOT_HOOK_DESTROY, no_request);
        use->filter->destroy(use->data);
        runtime_leave(use->runtime);
    }
    arena_finish(&use->arena);
    free(use);
}

struct slice use_name(const struct use *use)
{
    return use->name;
}
