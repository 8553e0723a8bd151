#include "plan/plan.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/library.h"
#include "filter/options.h"
#include "plan/plan_libraries.h"
#include "plan/router.h"

#include <stdlib.h>
#include <sys/stat.h>

enum {
    SHADOWS_TOLD = 20,
};

struct plan {
    struct arena arena;
    struct plan_libraries *libraries;
    struct use **uses; /* in the order of creation, which is the file's */
    size_t use_count;
    size_t use_capacity;
    /* rules[i], routes[i] and written[i] belong together; in routes PLAN_NOTHING stands behind the last */
    struct rule *rules;
    struct plan_route *routes;
    const struct route_settings **written;
    size_t route_count;
    size_t rule_capacity, route_capacity, written_capacity;
    struct router *router;
};

struct plan_builder {
    struct plan *plan;
    const struct settings *settings;
    struct source *source;
    struct runtime *runtime;
    struct error *error;
};

/* What a route inherits from those around it. The arrays are never changed once they are made, so that routes without
 * filters of their own share them. */
struct inherited {
    const struct match_settings *const *matches;
    size_t match_count;
    struct use **uses;
    size_t use_count;
    const struct error_pages *error_pages;
    int64_t body_limit_bytes;
    const struct compression_settings *compression;
};

static struct use *create_use(struct plan_builder *builder, const struct step_settings *step)
{
    struct plan *plan = builder->plan;
    runtime_enter_library(builder->runtime, settings_library_name(step));
    const struct library *library = plan_libraries_open(plan->libraries, step, builder->error);
    runtime_leave_library(builder->runtime);
    if (library == NULL)
        return NULL;
    const struct flexilib_filter *filter =
        library_find_filter(library, step->filter, settings_library_name(step), step->place, builder->error);
    if (filter == NULL)
        return NULL;
    const struct option_scope scope = {builder->source, builder->settings};
    struct use *use = use_create(builder->runtime, library, filter, step, &scope, builder->error);
    if (use == NULL)
        return NULL;
    plan->uses = mem_grow(plan->uses, plan->use_count, &plan->use_capacity, sizeof(*plan->uses));
    plan->uses[plan->use_count++] = use;
    return use;
}

static bool is_skipped(const struct route_settings *route, const struct use *use)
{
    for (size_t i = 0; i < route->skip_count; ++i) {
        if (slice_equals(route->skip[i].text, use_name(use)))
            return true;
    }
    return false;
}

/* Gives inner the filters that run in a route: the inherited ones but for the skipped, then its own. */
static bool build_chain(struct plan_builder *builder, const struct route_settings *route,
                        const struct inherited *around, struct inherited *inner)
{
    inner->uses = around->uses;
    inner->use_count = around->use_count;
    if ((route->skip_count == 0 && route->filter_count == 0) || builder->settings->is_without_filters)
        return true;
    inner->uses = arena_alloc(&builder->plan->arena, (around->use_count + route->filter_count) * sizeof(*inner->uses));
    inner->use_count = 0;
    for (size_t i = 0; i < around->use_count; ++i) {
        if (!is_skipped(route, around->uses[i]))
            inner->uses[inner->use_count++] = around->uses[i];
    }
    for (size_t i = 0; i < route->filter_count; ++i) {
        struct use *use = create_use(builder, &route->filters[i]);
        if (use == NULL)
            return false;
        inner->uses[inner->use_count++] = use;
    }
    return true;
}

static void add_match(struct plan_builder *builder, const struct route_settings *route, const struct inherited *around,
                      struct inherited *inner)
{
    const struct match_settings **matches =
        arena_alloc(&builder->plan->arena, (around->match_count + 1) * sizeof(*matches));
    for (size_t i = 0; i < around->match_count; ++i)
        matches[i] = around->matches[i];
    matches[around->match_count] = &route->match;
    inner->matches = matches;
    inner->match_count = around->match_count + 1;
}

/* Puts a route's own pages in front of those around it. */
static void add_error_pages(struct plan_builder *builder, const struct route_settings *route,
                            const struct inherited *around, struct inherited *inner)
{
    const struct error_pages *own = &route->error_pages, *outer = around->error_pages;
    inner->error_pages = own->count == 0 ? outer : own;
    if (own->count == 0 || outer->count == 0)
        return;
    struct arena *arena = &builder->plan->arena;
    struct error_page *items = arena_alloc(arena, (own->count + outer->count) * sizeof(*items));
    memcpy(items, own->items, own->count * sizeof(*items));
    memcpy(items + own->count, outer->items, outer->count * sizeof(*items));
    struct error_pages *pages = arena_alloc(arena, sizeof(*pages));
    *pages = (struct error_pages){items, own->count + outer->count};
    inner->error_pages = pages;
}

static void tell_missing(const struct step_settings *step)
{
    log_line(LOG_LEVEL_WARNING, "%s:%u:%u: library '%.*s' is missing: its route answers 500 until it appears",
             step->place.text == NULL ? "" : step->place.text->path, step->place.line, step->place.column,
             SLICE_ARG(step->name));
}

/* Puts the handler at the end of the route's chain. */
static bool build_handler(struct plan_builder *builder, const struct step_settings *handler, struct plan_route *route)
{
    struct plan *plan = builder->plan;
    if (builder->settings->is_without_filters) {
        route->target = PLAN_LEFT_OUT;
        return true;
    }
    if (builder->settings->style == SETTINGS_INI && plan_libraries_is_missing(plan->libraries, handler)) {
        if (source_is_live(builder->source))
            tell_missing(handler);
        route->target = PLAN_MISSING;
        return true;
    }
    struct use *use = create_use(builder, handler);
    if (use == NULL)
        return false;
    struct use **uses = arena_alloc(&plan->arena, (route->chain.count + 1) * sizeof(*uses));
    for (size_t i = 0; i < route->chain.count; ++i)
        uses[i] = route->chain.uses[i];
    uses[route->chain.count] = use;
    route->chain = (struct chain){.uses = uses, .count = route->chain.count + 1, .ends_in_handler = true};
    route->target = PLAN_HANDLER;
    return true;
}

static void add_route(struct plan *plan, const struct route_settings *written, const struct inherited *inner,
                      struct plan_route route)
{
    size_t count = plan->route_count;
    plan->rules = mem_grow(plan->rules, count, &plan->rule_capacity, sizeof(*plan->rules));
    plan->routes = mem_grow(plan->routes, count, &plan->route_capacity, sizeof(*plan->routes));
    plan->written = mem_grow(plan->written, count, &plan->written_capacity, sizeof(*plan->written));
    plan->rules[count] = (struct rule){inner->matches, inner->match_count};
    plan->routes[count] = route;
    plan->written[count] = written;
    ++plan->route_count;
}

static void check_folder(const struct plan_builder *builder, const struct files_settings *files)
{
    struct stat status;
    if (!source_is_live(builder->source) || (stat(files->root, &status) == 0 && S_ISDIR(status.st_mode)))
        return;
    log_line(LOG_LEVEL_WARNING, "%s:%u:%u: there is no folder '%s': its route answers 404 until it is there",
             files->place.text == NULL ? "" : files->place.text->path, files->place.line, files->place.column,
             files->root);
}

static enum plan_target target_of(const struct route_settings *written)
{
    switch (written->target) {
    case TARGET_REDIRECT:
        return PLAN_REDIRECT;
    case TARGET_RESPOND:
        return PLAN_RESPOND;
    case TARGET_FILES:
        return PLAN_FILES;
    default:
        return PLAN_PROXY;
    }
}

static bool build_leaf(struct plan_builder *builder, const struct route_settings *written,
                       const struct inherited *inner)
{
    struct plan_route route = {
        .name = written->name,
        .chain = {.uses = inner->uses, .count = inner->use_count},
        .target = target_of(written),
        .upstream = written->upstream,
        .forward = written->forward,
        .redirect = written->redirect,
        .respond = written->respond,
        .files = written->files,
        .error_pages = inner->error_pages,
        .body_limit_bytes = inner->body_limit_bytes,
        .compression = inner->compression,
    };
    if (written->target == TARGET_HANDLER && !build_handler(builder, &written->handler, &route))
        return false;
    if (written->target == TARGET_FILES)
        check_folder(builder, written->files);
    add_route(builder->plan, written, inner, route);
    return true;
}

static bool build_routes(struct plan_builder *builder, const struct route_settings *routes, size_t count,
                         const struct inherited *around)
{
    for (size_t i = 0; i < count; ++i) {
        const struct route_settings *route = &routes[i];
        struct inherited inner;
        if (!build_chain(builder, route, around, &inner))
            return false;
        add_match(builder, route, around, &inner);
        add_error_pages(builder, route, around, &inner);
        inner.body_limit_bytes = route->has_body_limit ? route->body_limit_bytes : around->body_limit_bytes;
        inner.compression = route->has_compression ? route->compression : around->compression;
        bool is_built = route->target == TARGET_ROUTES
                            ? build_routes(builder, route->routes, route->route_count, &inner)
                            : build_leaf(builder, route, &inner);
        if (!is_built)
            return false;
    }
    return true;
}

/* The chain of every route, which also runs where no route matches. */
static bool build_global_chain(struct plan_builder *builder, struct inherited *global)
{
    const struct settings *settings = builder->settings;
    *global = (struct inherited){.error_pages = &settings->error_pages,
                                 .body_limit_bytes = settings->body_limit_bytes,
                                 .compression = settings->compression};
    if (settings->is_without_filters)
        return true;
    global->uses = arena_alloc(&builder->plan->arena, settings->filter_count * sizeof(*global->uses));
    for (size_t i = 0; i < settings->filter_count; ++i) {
        struct use *use = create_use(builder, &settings->filters[i]);
        if (use == NULL)
            return false;
        global->uses[global->use_count++] = use;
    }
    return true;
}

static void tell_shadow(const struct route_settings *route, const struct route_settings *other)
{
    log_line(LOG_LEVEL_WARNING, "%s:%u:%u: route '%.*s' can never match: route '%.*s' (%s:%u) takes all its requests",
             route->place.text == NULL ? "" : route->place.text->path, route->place.line, route->place.column,
             SLICE_ARG(route->name), SLICE_ARG(other->name), other->place.text == NULL ? "" : other->place.text->path,
             other->place.line);
}

static void tell_shadows(const struct plan *plan)
{
    size_t told = 0, untold = 0;
    for (size_t i = 0; i < plan->route_count; ++i) {
        int shadow = router_find_shadow(plan->router, (int)i);
        if (shadow == ROUTER_NONE)
            continue;
        if (told < SHADOWS_TOLD) {
            tell_shadow(plan->written[i], plan->written[shadow]);
            ++told;
        } else {
            ++untold;
        }
    }
    if (untold != 0)
        log_line(LOG_LEVEL_WARNING, "%zu more routes can never match", untold);
}

static bool build_all(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    struct inherited global;
    if ((!builder->settings->is_without_filters && !plan_libraries_check(plan->libraries, builder->error)) ||
        !build_global_chain(builder, &global) ||
        !build_routes(builder, builder->settings->routes, builder->settings->route_count, &global))
        return false;
    plan->routes = mem_grow(plan->routes, plan->route_count, &plan->route_capacity, sizeof(*plan->routes));
    plan->routes[plan->route_count] = (struct plan_route){
        .name = SLICE("-"),
        .chain = {.uses = global.uses, .count = global.use_count},
        .target = PLAN_NOTHING,
        .error_pages = global.error_pages,
        .body_limit_bytes = global.body_limit_bytes,
        .compression = global.compression,
    };
    plan->router = router_create(plan->rules, plan->route_count);
    if (source_is_live(builder->source))
        tell_shadows(plan);
    return true;
}

struct plan *plan_build(const struct settings *settings, struct source *source, struct runtime *runtime,
                        const char *bundled_folder, struct error *error)
{
    struct plan *plan = mem_zalloc(sizeof(*plan));
    struct plan_builder builder = {plan, settings, source, runtime, error};
    arena_init(&plan->arena, 0);
    plan->libraries = plan_libraries_create(settings, source, runtime, bundled_folder);
    if (build_all(&builder))
        return plan;
    plan_destroy(plan);
    return NULL;
}

void plan_destroy(struct plan *plan)
{
    if (plan == NULL)
        return;
    while (plan->use_count != 0)
        use_destroy(plan->uses[--plan->use_count]);
    plan_libraries_destroy(plan->libraries);
    router_destroy(plan->router);
    free(plan->uses);
    free(plan->rules);
    free(plan->routes);
    free(plan->written);
    arena_finish(&plan->arena);
    free(plan);
}

static bool has_library(const struct chain *chain, struct slice library)
{
    for (size_t i = 0; i < chain->count; ++i) {
        if (slice_equals(slice_from_text(use_library_path(chain->uses[i])), library))
            return true;
    }
    return false;
}

size_t plan_quarantine(struct plan *plan, struct slice library)
{
    size_t count = 0;
    for (size_t i = 0; i <= plan->route_count; ++i) {
        struct plan_route *route = &plan->routes[i];
        if (!has_library(&route->chain, library))
            continue;
        route->is_quarantined = true;
        ++count;
    }
    return count;
}

const struct plan_route *plan_find(const struct plan *plan, const struct request_head *head, struct slice listener)
{
    int number = router_find(plan->router, head, listener);
    return &plan->routes[number == ROUTER_NONE ? (int)plan->route_count : number];
}

size_t plan_use_count(const struct plan *plan)
{
    return plan->use_count;
}

const struct use *plan_use(const struct plan *plan, size_t index)
{
    return plan->uses[index];
}

size_t plan_library_count(const struct plan *plan)
{
    return plan_libraries_count(plan->libraries);
}

const struct library *plan_library(const struct plan *plan, size_t index)
{
    return plan_libraries_get(plan->libraries, index);
}
