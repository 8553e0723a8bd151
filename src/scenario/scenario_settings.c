#include "scenario/scenario_settings.h"

#include "config/wording.h"

enum {
    MOST_KEYS = 12,
};

/* A mapping that nobody wrote, filled key by key. */
struct mapping {
    const struct scenario_settings_maker *maker;
    struct node node;
};

static struct node *make_scalar(const struct mapping *mapping, const char *text)
{
    struct node *node = arena_zalloc(mapping->maker->arena, sizeof(*node));
    node->kind = NODE_SCALAR;
    node->place = mapping->node.place;
    node->file = mapping->node.file;
    node->text = arena_copy(mapping->maker->arena, slice_from_text(text));
    return node;
}

static struct mapping *make_mapping(const struct scenario_settings_maker *maker, const struct node *at)
{
    struct mapping *mapping = arena_zalloc(maker->arena, sizeof(*mapping));
    mapping->maker = maker;
    mapping->node = (struct node){.kind = NODE_MAPPING, .place = at->place, .file = at->file};
    mapping->node.keys = arena_alloc(maker->arena, MOST_KEYS * sizeof(struct node *));
    mapping->node.items = arena_alloc(maker->arena, MOST_KEYS * sizeof(struct node *));
    return mapping;
}

static void set_key(struct mapping *mapping, struct node *key, const struct node *value)
{
    mapping->node.keys[mapping->node.count] = key;
    mapping->node.items[mapping->node.count++] = (struct node *)(uintptr_t)value;
}

static void set(struct mapping *mapping, const char *key, const struct node *value)
{
    if (value != NULL)
        set_key(mapping, make_scalar(mapping, key), value);
}

static void set_text(struct mapping *mapping, const char *key, const char *text)
{
    set(mapping, key, make_scalar(mapping, text));
}

/* An upstream that nothing is ever sent to. */
static const struct node *make_upstream(const struct scenario_settings_maker *maker, const struct node *at)
{
    struct mapping *upstream = make_mapping(maker, at);
    set_text(upstream, "servers", "http://scenario.invalid");
    return &upstream->node;
}

static bool read_upstreams(const struct scenario_settings_maker *maker, const struct node *written,
                           struct mapping *upstreams)
{
    bool is_list = written != NULL && written->kind == NODE_SEQUENCE;
    size_t count = written == NULL ? 0 : is_list ? written->count : 1;
    upstreams->node.keys = arena_alloc(maker->arena, (count + 1) * sizeof(struct node *));
    upstreams->node.items = arena_alloc(maker->arena, (count + 1) * sizeof(struct node *));
    set(upstreams, "upstream", make_upstream(maker, &upstreams->node));
    for (size_t i = 0; i < count; ++i) {
        struct node *name = is_list ? written->items[i] : (struct node *)(uintptr_t)written;
        if (name->kind != NODE_SCALAR || name->is_null)
            return error_set_at(maker->error, name->place, "'upstreams' wants a name or a list of names, not %s",
                                node_kind_phrase(name));
        if (slice_equals(name->text, SLICE("upstream")) || slice_starts_with(name->text, SLICE("client")))
            return error_set_at(maker->error, name->place,
                                "'%s' cannot be the name of one more upstream: events mean somebody else by it",
                                wording_quote(maker->arena, name->text));
        set_key(upstreams, name, make_upstream(maker, name));
    }
    return true;
}

static struct mapping *make_route(const struct scenario_settings_maker *maker, const struct scenario_setup *setup)
{
    struct mapping *route = make_mapping(maker, setup->scenario);
    set_text(route, "match", "/");
    set_text(route, "name", "route");
    set(route, "filters", setup->filters);
    set(route, "handler", setup->handler);
    if (setup->handler == NULL)
        set_text(route, "proxy", "upstream");
    return route;
}

static const struct node *make_root(const struct scenario_settings_maker *maker, const struct scenario_setup *setup)
{
    struct mapping *root = make_mapping(maker, setup->scenario);
    struct mapping *upstreams = make_mapping(maker, setup->scenario);
    if (!read_upstreams(maker, setup->upstreams, upstreams))
        return NULL;
    struct node *routes = arena_zalloc(maker->arena, sizeof(*routes));
    *routes = (struct node){.kind = NODE_SEQUENCE, .place = setup->scenario->place, .file = setup->scenario->file};
    routes->items = arena_alloc(maker->arena, sizeof(struct node *));
    routes->items[routes->count++] = &make_route(maker, setup)->node;
    /* what variables would say where nothing is written */
    set_text(root, "listen", "127.0.0.1:0");
    set_text(root, "workers", "1");
    set_text(root, "arena", "4KB");
    set(root, "libraries", setup->libraries);
    set(root, "library_path", setup->library_path);
    set(root, "upstreams", &upstreams->node);
    set(root, "handler_timeout", setup->handler_timeout);
    set(root, "create_timeout", setup->create_timeout);
    set(root, "body_limit", setup->body_limit);
    set(root, "routes", routes);
    return &root->node;
}

struct settings *scenario_settings_make(const struct scenario_settings_maker *maker, const struct scenario_setup *setup)
{
    if (setup->filters == NULL && setup->handler == NULL) {
        error_set_at(maker->error, setup->scenario->place,
                     "there is nothing to test: neither 'filters' nor a 'handler' is named");
        return NULL;
    }
    const struct node *root = make_root(maker, setup);
    return root == NULL ? NULL : settings_build(maker->source, root, maker->path, maker->error);
}
