#include "filter/option_node.h"

static void fill(const struct node *node, struct arena *arena, struct flexilib_node *built);

static const struct flexilib_text *build_names(const struct node *mapping, struct arena *arena)
{
    struct flexilib_text *names = arena_alloc(arena, mapping->count * sizeof(*names));
    for (size_t i = 0; i < mapping->count; ++i)
        names[i] = (struct flexilib_text){mapping->keys[i]->text.data, mapping->keys[i]->text.length};
    return names;
}

static const struct flexilib_node *build_items(const struct node *holder, struct arena *arena)
{
    struct flexilib_node *items = arena_alloc(arena, holder->count * sizeof(*items));
    for (size_t i = 0; i < holder->count; ++i)
        fill(holder->items[i], arena, &items[i]);
    return items;
}

static void fill(const struct node *node, struct arena *arena, struct flexilib_node *built)
{
    static const int32_t kinds[] = {
        [NODE_SCALAR] = FLEXILIB_NODE_SCALAR, [NODE_SEQUENCE] = FLEXILIB_NODE_LIST, [NODE_MAPPING] = FLEXILIB_NODE_MAP};
    *built = (struct flexilib_node){
        .kind = node->is_null ? FLEXILIB_NODE_NULL : kinds[node->kind],
        .line = (int32_t)node->place.line,
        .text = {"", 0},
        .count = node->count,
    };
    if (built->kind == FLEXILIB_NODE_SCALAR)
        built->text = (struct flexilib_text){node->text.data, node->text.length};
    if (node->kind == NODE_MAPPING)
        built->names = build_names(node, arena);
    if (node->kind != NODE_SCALAR)
        built->items = build_items(node, arena);
}

const struct flexilib_node *option_node_build(const struct node *node, struct arena *arena)
{
    struct flexilib_node *built = arena_alloc(arena, sizeof(*built));
    fill(node, arena, built);
    return built;
}
