#include "base/suggest.h"
#include "config/merge.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    ROUTE_NAME = 0,
    ROUTE_MATCH,
    ROUTE_FILTERS,
    ROUTE_SKIP,
    ROUTE_HANDLER,
    ROUTE_PROXY,
    ROUTE_REDIRECT,
    ROUTE_RESPOND,
    ROUTE_FILES,
    ROUTE_ROUTES,
    ROUTE_ERROR_PAGES,
    ROUTE_BODY_LIMIT,
    ROUTE_COMPRESS,
    ROUTE_FIELDS,
};

static const struct field route_fields[ROUTE_FIELDS] = {
    [ROUTE_NAME] = {.name = "name", .type = FIELD_TEXT, .summary = "what logs call it"},
    [ROUTE_MATCH] = {.name = "match", .type = FIELD_NODE, .summary = "which requests it is for; without it, all"},
    [ROUTE_FILTERS] = {.name = "filters", .type = FIELD_NODE, .summary = "filters after the inherited ones"},
    [ROUTE_SKIP] = {.name = "skip", .type = FIELD_LIST, .summary = "inherited filters that do not run here"},
    [ROUTE_HANDLER] = {.name = "handler", .type = FIELD_NODE, .summary = "the filter that answers"},
    [ROUTE_PROXY] = {.name = "proxy", .type = FIELD_NODE, .summary = "the upstream that answers"},
    [ROUTE_REDIRECT] = {.name = "redirect", .type = FIELD_NODE, .summary = "the URL where else to ask"},
    [ROUTE_RESPOND] = {.name = "respond", .type = FIELD_NODE, .summary = "the response itself"},
    [ROUTE_FILES] = {.name = "files", .type = FIELD_NODE, .summary = "the folder with the files that answer"},
    [ROUTE_ROUTES] = {.name = "routes", .type = FIELD_NODE, .summary = "routes inside of this one"},
    [ROUTE_ERROR_PAGES] = {.name = "error_pages", .type = FIELD_NODE, .summary = "statuses to files with their pages"},
    [ROUTE_BODY_LIMIT] = {.name = "body_limit",
                          .type = FIELD_SIZE,
                          .minimum = 0,
                          .maximum = SETTINGS_BODY_LIMIT_MOST,
                          .summary = "how large a request's body may be here"},
    [ROUTE_COMPRESS] = {.name = "compress", .type = FIELD_NODE, .summary = "which responses are compressed, and how"},
};

/* The filters that a route inherits, innermost first. */
struct scope {
    const struct step_settings *filters;
    size_t count;
    const struct scope *outer;
};

static bool read_list(struct settings_reader *reader, const struct node *node, const struct scope *scope,
                      struct route_settings **routes, size_t *count);

static bool read_name(struct settings_reader *reader, const struct field_value *value, struct route_settings *route)
{
    route->name = value->text;
    if (!value->written) {
        const char *path = route->place.text == NULL ? "" : route->place.text->path;
        route->name = arena_print(reader->arena, "%s:%u", path, route->place.line);
        return true;
    }
    for (size_t i = 0; i < route->name.length; ++i) {
        if ((unsigned char)route->name.data[i] < ' ' || route->name.data[i] == 0x7f)
            return error_set_at(reader->error, value->place, "a route's name cannot hold control characters");
    }
    if (route->name.length == 0)
        return error_set_at(reader->error, value->place, "a route's name cannot be empty");
    struct place *place = arena_alloc(reader->arena, sizeof(*place));
    *place = value->place;
    const struct place *first = name_index_add(&reader->route_names, reader->arena, route->name, place);
    bool is_same =
        first == NULL || (first->text == place->text && first->line == place->line && first->column == place->column);
    return is_same || error_set_at(reader->error, value->place, "route '%s' is defined twice (first in %s)",
                                   wording_quote(reader->arena, route->name),
                                   merge_first_place(reader->arena, *first, value->place));
}

static bool find_inherited(const struct scope *scope, struct slice name, struct suggest *suggest)
{
    for (; scope != NULL; scope = scope->outer) {
        for (size_t i = 0; i < scope->count; ++i) {
            if (slice_equals(scope->filters[i].name, name))
                return true;
            suggest_offer(suggest, scope->filters[i].name);
        }
    }
    return false;
}

static bool read_skip(struct settings_reader *reader, const struct field_value *value, const struct scope *scope,
                      struct route_settings *route)
{
    route->skip = value->list;
    route->skip_count = value->count;
    for (size_t i = 0; i < value->count; ++i) {
        struct suggest suggest = suggest_start(value->list[i].text);
        if (find_inherited(scope, value->list[i].text, &suggest))
            continue;
        char phrase[SUGGEST_PHRASE_BYTES];
        return error_set_at(reader->error, value->list[i].place,
                            "'skip' names filter '%s', which is not inherited here%s",
                            wording_quote(reader->arena, value->list[i].text), suggest_phrase(&suggest, phrase));
    }
    return true;
}

static bool read_handler(struct settings_reader *reader, const struct node *node, struct route_settings *route)
{
    route->target = TARGET_HANDLER;
    if (!step_read(reader, node, "a handler", &route->handler))
        return false;
    if (route->handler.on_error == ERROR_POLICY_OPEN)
        return error_set_at(reader->error, node_find(node, "on_error")->place,
                            "a handler cannot be skipped: 'on_error: open' is for filters");
    return true;
}

/* Finds the one key that says where the route leads. */
static bool find_target(struct settings_reader *reader, const struct node *node, const struct field_value *values,
                        int *target)
{
    *target = -1;
    for (int i = ROUTE_HANDLER; i <= ROUTE_ROUTES; ++i) {
        if (!values[i].written)
            continue;
        if (*target != -1)
            return error_set_at(reader->error, values[i].place, "'%s' and '%s' exclude each other in a route",
                                route_fields[*target].name, route_fields[i].name);
        *target = i;
    }
    return *target != -1 ||
           error_set_at(reader->error, node->place,
                        "a route wants one of 'handler', 'proxy', 'redirect', 'respond', 'files' and 'routes'");
}

static bool read_target(struct settings_reader *reader, const struct node *node, const struct field_value *values,
                        const struct scope *scope, struct route_settings *route)
{
    int target;
    if (!find_target(reader, node, values, &target))
        return false;
    if (target == ROUTE_HANDLER)
        return read_handler(reader, values[target].node, route);
    if (target == ROUTE_PROXY)
        return proxy_read(reader, values[target].node, route);
    if (target == ROUTE_REDIRECT)
        return redirect_read(reader, values[target].node, route);
    if (target == ROUTE_RESPOND)
        return respond_read(reader, values[target].node, route);
    if (target == ROUTE_FILES)
        return files_read(reader, values[target].node, route);
    struct scope inner = {route->filters, route->filter_count, scope};
    route->target = TARGET_ROUTES;
    return read_list(reader, values[target].node, &inner, &route->routes, &route->route_count);
}

static bool read_route(struct settings_reader *reader, const struct node *node, const struct scope *scope,
                       struct route_settings *route)
{
    struct field_value values[ROUTE_FIELDS];
    route->node = node;
    route->place = node->place;
    route->match.place = node->place;
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "a route is a mapping with keys such as 'match', not %s",
                            node_kind_phrase(node));
    if (!fields_read(route_fields, ROUTE_FIELDS, node, node->place, "a route", reader->source, reader->arena, values,
                     reader->error))
        return false;
    route->has_body_limit = values[ROUTE_BODY_LIMIT].written;
    route->body_limit_bytes = values[ROUTE_BODY_LIMIT].integer;
    route->has_compression = values[ROUTE_COMPRESS].written;
    return read_name(reader, &values[ROUTE_NAME], route) &&
           (!values[ROUTE_MATCH].written || match_read(reader, values[ROUTE_MATCH].node, &route->match)) &&
           steps_read(reader, values[ROUTE_FILTERS].node, &route->filters, &route->filter_count) &&
           read_skip(reader, &values[ROUTE_SKIP], scope, route) &&
           error_pages_read(reader, values[ROUTE_ERROR_PAGES].node, &route->error_pages) &&
           compress_read(reader, values[ROUTE_COMPRESS].node, &route->compression) &&
           read_target(reader, node, values, scope, route);
}

static bool read_list(struct settings_reader *reader, const struct node *node, const struct scope *scope,
                      struct route_settings **routes, size_t *count)
{
    if (node->kind == NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "'routes' wants a list, not a mapping: put '- ' before each route");
    if (!value_check_kind(reader, node, "routes", NODE_SEQUENCE, "a list"))
        return false;
    *routes = arena_zalloc(reader->arena, node->count * sizeof(**routes));
    *count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_route(reader, node->items[i], scope, &(*routes)[i]))
            return false;
    }
    return true;
}

bool routes_read(struct settings_reader *reader, const struct field_value *value)
{
    struct settings *settings = reader->settings;
    struct scope scope = {settings->filters, settings->filter_count, NULL};
    return value->node == NULL || read_list(reader, value->node, &scope, &settings->routes, &settings->route_count);
}
