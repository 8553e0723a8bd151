#include "scenario/scenario.h"

#include "base/alloc.h"
#include "config/wording.h"
#include "scenario/event_reader.h"
#include "scenario/library_swap.h"
#include "scenario/scenario_settings.h"

#include <stdlib.h>

enum {
    KEY_LIBRARIES = 0,
    KEY_LIBRARY_PATH,
    KEY_SCENARIOS,
    KEY_BEFORE,
    KEY_FILTERS, /* from here on also for one scenario */
    KEY_HANDLER,
    KEY_UPSTREAMS,
    KEY_HANDLER_TIMEOUT,
    KEY_CREATE_TIMEOUT,
    KEY_BODY_LIMIT,
    KEY_REFUSED,
    KEY_EVENTS,
    KEY_COUNT,
    FILE_KEYS = KEY_REFUSED, /* how many of them a file has */
};

static const struct field fields[KEY_COUNT] = {
    [KEY_LIBRARIES] = {.name = "libraries", .type = FIELD_NODE, .summary = "names for libraries"},
    [KEY_LIBRARY_PATH] = {.name = "library_path", .type = FIELD_NODE, .summary = "folders to look up names in"},
    [KEY_SCENARIOS] = {.name = "scenarios", .type = FIELD_NODE, .required = true, .summary = "names to events"},
    [KEY_BEFORE] = {.name = "before", .type = FIELD_NODE, .summary = "what happens before each scenario's events"},
    [KEY_FILTERS] = {.name = "filters", .type = FIELD_NODE, .summary = "the chain"},
    [KEY_HANDLER] = {.name = "handler", .type = FIELD_NODE, .summary = "what answers at its end"},
    [KEY_UPSTREAMS] = {.name = "upstreams", .type = FIELD_NODE, .summary = "names of more upstreams"},
    [KEY_HANDLER_TIMEOUT] = {.name = "handler_timeout", .type = FIELD_NODE, .summary = "how long a filter may pause"},
    [KEY_CREATE_TIMEOUT] = {.name = "create_timeout", .type = FIELD_NODE, .summary = "how long one may get ready"},
    [KEY_BODY_LIMIT] = {.name = "body_limit", .type = FIELD_NODE, .summary = "how large a request's body may be"},
    [KEY_REFUSED] = {.name = "refused", .type = FIELD_NODE, .summary = "why the chain cannot be made"},
    [KEY_EVENTS] = {.name = "events", .type = FIELD_NODE, .summary = "what happens, in this order"},
};

struct owned_file {
    struct scenario_file file;
    struct arena arena;
    struct settings **settings; /* one for each scenario */
};

struct loader {
    struct owned_file *owned;
    struct error *error;
    struct scenario_settings_maker maker;
    struct field_value values[FILE_KEYS]; /* of the file */
};

static bool read_refusal(struct loader *loader, const struct field_value *value, struct scenario *scenario)
{
    const struct content_reader reader = {loader->owned->file.source, &loader->owned->arena, loader->error, "refused",
                                          true};
    scenario->refusal_place = value->place;
    return content_read(&reader, value->node, &scenario->refusal);
}

static bool check_events(const struct loader *loader, const struct node *node)
{
    return node == NULL || node->kind == NODE_SEQUENCE ||
           error_set_at(loader->error, node->place, "events are a list, not %s", node_kind_phrase(node));
}

static bool read_events(struct loader *loader, const struct node *before, const struct node *own, bool has_handler,
                        struct scenario *scenario)
{
    const struct event_reader reader = {loader->owned->file.source, &loader->owned->arena, loader->error,
                                        scenario->settings, has_handler};
    const struct node *const lists[] = {before, own};
    if (!check_events(loader, before) || !check_events(loader, own))
        return false;
    size_t most = (before == NULL ? 0 : before->count) + (own == NULL ? 0 : own->count);
    struct event *events = arena_zalloc(&loader->owned->arena, most * sizeof(*events));
    scenario->events = events;
    for (int list = 0; list < 2; ++list) {
        for (size_t i = 0; lists[list] != NULL && i < lists[list]->count; ++i) {
            if (!event_read(&reader, lists[list]->items[i], &events[scenario->event_count++]))
                return false;
        }
    }
    return true;
}

/* What the scenario says by itself, or else the file. */
static const struct node *choose(const struct loader *loader, const struct field_value *own, int key)
{
    return own[key].written ? own[key].node : loader->values[key].node;
}

static bool read_keys(struct loader *loader, const struct node *node, struct field_value *values)
{
    const int first = KEY_FILTERS;
    memset(values, 0, KEY_COUNT * sizeof(*values));
    if (node->kind == NODE_SEQUENCE) {
        values[KEY_EVENTS] = (struct field_value){.written = true, .place = node->place, .node = node};
        return true;
    }
    return fields_read(fields + first, (size_t)(KEY_COUNT - first), node, node->place, "a scenario",
                       loader->owned->file.source, &loader->owned->arena, values + first, loader->error);
}

static bool read_scenario(struct loader *loader, const struct node *key, const struct node *node,
                          struct scenario *scenario)
{
    struct field_value own[KEY_COUNT];
    *scenario = (struct scenario){.name = key->text, .place = key->place};
    if (!read_keys(loader, node, own))
        return false;
    const struct scenario_setup setup = {
        .libraries = loader->values[KEY_LIBRARIES].node,
        .library_path = loader->values[KEY_LIBRARY_PATH].node,
        .upstreams = choose(loader, own, KEY_UPSTREAMS),
        .filters = choose(loader, own, KEY_FILTERS),
        .handler = choose(loader, own, KEY_HANDLER),
        .handler_timeout = choose(loader, own, KEY_HANDLER_TIMEOUT),
        .create_timeout = choose(loader, own, KEY_CREATE_TIMEOUT),
        .body_limit = choose(loader, own, KEY_BODY_LIMIT),
        .scenario = key,
    };
    struct settings *settings = scenario_settings_make(&loader->maker, &setup);
    if (settings == NULL)
        return false;
    loader->owned->settings[loader->owned->file.scenario_count++] = settings;
    scenario->settings = settings;
    if (!own[KEY_REFUSED].written && !own[KEY_EVENTS].written)
        return error_set_at(loader->error, key->place, "a scenario wants 'events', or 'refused'");
    if (own[KEY_REFUSED].written && !read_refusal(loader, &own[KEY_REFUSED], scenario))
        return false;
    /* what is refused is so before anything can happen */
    const struct node *before = own[KEY_REFUSED].written ? NULL : loader->values[KEY_BEFORE].node;
    return read_events(loader, before, own[KEY_EVENTS].node, setup.handler != NULL, scenario);
}

static bool read_scenarios(struct loader *loader, const struct node *node)
{
    struct owned_file *owned = loader->owned;
    if (node->kind != NODE_MAPPING || node->count == 0)
        return error_set_at(loader->error, node->place, "'scenarios' wants a mapping of names to events, not %s",
                            node->kind == NODE_MAPPING ? "an empty one" : node_kind_phrase(node));
    struct scenario *scenarios = arena_zalloc(&owned->arena, node->count * sizeof(*scenarios));
    owned->settings = arena_zalloc(&owned->arena, node->count * sizeof(*owned->settings));
    owned->file.scenarios = scenarios;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_scenario(loader, node->keys[i], node->items[i], &scenarios[i]))
            return false;
    }
    return true;
}

static bool load(struct loader *loader)
{
    struct owned_file *owned = loader->owned;
    const struct scenario_settings_maker *maker = &loader->maker;
    const struct node *root = node_load(owned->file.source, maker->path, &owned->arena, loader->error);
    if (root == NULL)
        return false;
    const struct library_swap swap = {&owned->arena, loader->error, maker->path, maker->libraries,
                                      maker->library_count};
    return library_swap_apply(&swap, root) &&
           fields_read(fields, FILE_KEYS, root, root->place, "a scenario file", owned->file.source, &owned->arena,
                       loader->values, loader->error) &&
           read_scenarios(loader, loader->values[KEY_SCENARIOS].node);
}

struct scenario_file *scenario_file_load(const char *path, const struct scenario_library *libraries,
                                         size_t library_count, struct error *error)
{
    struct owned_file *owned = mem_zalloc(sizeof(*owned));
    arena_init(&owned->arena, 0);
    owned->file.source = source_create_live(NULL);
    struct loader loader = {
        .owned = owned,
        .error = error,
        .maker = {owned->file.source, &owned->arena, error, path, libraries, library_count},
    };
    if (load(&loader))
        return &owned->file;
    scenario_file_destroy(&owned->file);
    return NULL;
}

void scenario_file_destroy(struct scenario_file *file)
{
    if (file == NULL)
        return;
    struct owned_file *owned = (struct owned_file *)file;
    while (file->scenario_count != 0)
        settings_destroy(owned->settings[--file->scenario_count]);
    source_destroy(file->source);
    arena_finish(&owned->arena);
    free(owned);
}
