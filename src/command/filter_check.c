#include "command/filter_check.h"

#include "command/filter.h"
#include "command/filter_line.h"
#include "command/library_visit.h"
#include "filter/chain.h"
#include "filter/library.h"
#include "filter/options.h"
#include "filter/runtime.h"

/* What filters are created with. */
struct given {
    const struct library_visit *visit;
    struct source *source;
    struct arena arena;
    const struct node *options; /* NULL: none */
};

static const char *find_required(const struct flexilib_filter *filter)
{
    for (size_t i = 0; i < filter->option_count; ++i) {
        if (filter->options[i].required && filter->options[i].fallback == NULL)
            return filter->options[i].name;
    }
    return NULL;
}

static bool read_options(struct given *given, struct error *error)
{
    const struct filter_line *line = given->visit->data;
    if (line->options == NULL)
        return true;
    given->options = node_parse(given->source, "--options", slice_from_text(line->options), &given->arena, error);
    if (given->options == NULL)
        return false;
    return given->options->kind == NODE_MAPPING ||
           error_set_at(error, given->options->place, "options are a mapping such as '{ key: value }', not %s",
                        node_kind_phrase(given->options));
}

/* An error without a place is about the library. */
static bool pass_on(const struct given *given, const struct error *problem, struct error *error)
{
    if (problem->line != 0) {
        *error = *problem;
        return false;
    }
    return error_set(error, "%s: %s", given->visit->path, problem->message);
}

static bool check_filter(struct given *given, const struct flexilib_filter *filter, struct text *out,
                         struct error *error)
{
    struct runtime *runtime = given->visit->runtime;
    const struct option_scope scope = {.source = given->source};
    struct step_settings step = {.name = slice_from_text(filter->name), .options = given->options};
    struct error problem = ERROR_INIT;
    struct use *use = use_create(runtime, given->visit->library, filter, &step, &scope, &problem);
    enum runtime_readiness readiness = use == NULL ? RUNTIME_FAILED : runtime_ready(runtime, &problem);
    use_destroy(use);
    if (readiness == RUNTIME_FAILED)
        return pass_on(given, &problem, error);
    text_print(out, "filter '%s': created and destroyed%s\n", filter->name,
               readiness == RUNTIME_WAITING ? " (what it waits for before it is ready was not waited for)" : "");
    return true;
}

static bool check_chosen(struct given *given, const char *name, struct text *out, struct error *error)
{
    struct error problem = ERROR_INIT;
    const struct flexilib_filter *filter =
        library_find_filter(given->visit->library, slice_from_text(name), SLICE_NONE, PLACE_NONE, &problem);
    if (filter == NULL)
        return error_set(error, "%s", problem.message);
    return check_filter(given, filter, out, error);
}

static bool check_all(struct given *given, struct text *out, struct error *error)
{
    const struct library *library = given->visit->library;
    size_t count = library_filter_count(library);
    if (given->options != NULL && count > 1)
        return error_set(error, "%s: offers %zu filters: say with --filter whose options these are", given->visit->path,
                         count);
    for (size_t i = 0; i < count; ++i) {
        const struct flexilib_filter *filter = library_filter(library, i);
        const char *required = given->options == NULL ? find_required(filter) : NULL;
        if (required != NULL)
            text_print(out, "filter '%s': not created, as its option '%s' is required: give it by --options\n",
                       filter->name, required);
        else if (!check_filter(given, filter, out, error))
            return false;
    }
    return true;
}

static bool check(const struct library_visit *visit, struct text *out, struct error *error)
{
    const struct filter_line *line = visit->data;
    struct given given = {.visit = visit, .source = source_create_live(NULL)};
    arena_init(&given.arena, 0);
    bool is_fine = read_options(&given, error) && (line->filter != NULL ? check_chosen(&given, line->filter, out, error)
                                                                        : check_all(&given, out, error));
    arena_finish(&given.arena);
    source_destroy(given.source);
    if (is_fine)
        text_print(out, "%s: ok\n", visit->path);
    return is_fine;
}

int filter_check_run(char **arguments)
{
    struct filter_line line;
    struct error error = ERROR_INIT;
    if (!filter_line_parse(arguments + 1, FILTER_LINE_FILTER | FILTER_LINE_OPTIONS, &line, &error))
        return filter_refuse("check", error.message);
    struct library_visit visit = {.name = line.library, .what = "the check", .run = check, .data = &line};
    return library_visit_run(&visit);
}
