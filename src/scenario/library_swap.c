#include "scenario/library_swap.h"

#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

/* The texts of a tree that are paths of libraries. */
struct paths {
    const struct library_swap *swap;
    struct node **items;
    size_t count;
    size_t capacity;
};

/* The file's tree belongs to whoever loads it, and this is done before anybody else looks at it. */
static struct node *own(const struct node *node)
{
    return (struct node *)(uintptr_t)node;
}

static void note_path(struct paths *paths, const struct node *node)
{
    struct settings_reader reader = {.arena = paths->swap->arena};
    struct step_settings step = {0};
    if (node == NULL || node->kind != NODE_SCALAR)
        return;
    step_resolve(&reader, node, node->text, &step);
    if (!step.library_is_path)
        return;
    paths->items = arena_grow(paths->swap->arena, paths->items, paths->count, &paths->capacity, sizeof(*paths->items));
    paths->items[paths->count++] = own(node);
}

static void note_step(struct paths *paths, const struct node *step)
{
    if (step->kind == NODE_SCALAR)
        note_path(paths, step);
    if (step->kind != NODE_MAPPING || step->count == 0)
        return;
    const struct node *use = node_find(step, "use");
    note_path(paths, use != NULL ? use : step->keys[0]);
}

static void note_chain(struct paths *paths, const struct node *holder)
{
    const struct node *filters = node_find(holder, "filters"), *handler = node_find(holder, "handler");
    if (filters != NULL && filters->kind != NODE_SEQUENCE)
        note_step(paths, filters);
    for (size_t i = 0; filters != NULL && filters->kind == NODE_SEQUENCE && i < filters->count; ++i)
        note_step(paths, filters->items[i]);
    if (handler != NULL)
        note_step(paths, handler);
}

static struct node *library_path_node(const struct node *library)
{
    return own(library->kind == NODE_MAPPING ? node_find(library, "path") : library);
}

static void note_all(struct paths *paths, const struct node *root)
{
    const struct node *libraries = node_find(root, "libraries"), *scenarios = node_find(root, "scenarios");
    for (size_t i = 0; libraries != NULL && libraries->kind == NODE_MAPPING && i < libraries->count; ++i)
        note_path(paths, library_path_node(libraries->items[i]));
    note_chain(paths, root);
    for (size_t i = 0; scenarios != NULL && scenarios->kind == NODE_MAPPING && i < scenarios->count; ++i) {
        if (scenarios->items[i]->kind == NODE_MAPPING)
            note_chain(paths, scenarios->items[i]);
    }
}

static void put_path(const struct library_swap *swap, struct node *node, const char *path)
{
    node->text = arena_copy(swap->arena, slice_from_text(path));
    node->is_null = false;
}

static bool swap_only(const struct library_swap *swap, const struct node *root, const char *path)
{
    struct paths paths = {.swap = swap};
    note_all(&paths, root);
    if (paths.count == 0)
        return error_set(swap->error, "%s names no library by its path, so none can take its place", swap->path);
    struct slice first = paths.items[0]->text;
    for (size_t i = 1; i < paths.count; ++i) {
        if (!slice_equals(paths.items[i]->text, first))
            return error_set(swap->error,
                             "%s names several libraries by path ('%.*s' and '%.*s'): say which one is meant, by its "
                             "name under 'libraries': --library NAME=PATH",
                             swap->path, SLICE_ARG(first), SLICE_ARG(paths.items[i]->text));
    }
    for (size_t i = 0; i < paths.count; ++i)
        put_path(swap, paths.items[i], path);
    return true;
}

static bool swap_named(const struct library_swap *swap, const struct node *root, const struct scenario_library *library)
{
    struct slice name = slice_from_text(library->name);
    struct suggest suggest = suggest_start(name);
    const struct node *libraries = node_find(root, "libraries");
    for (size_t i = 0; libraries != NULL && libraries->kind == NODE_MAPPING && i < libraries->count; ++i) {
        struct node *path = library_path_node(libraries->items[i]);
        suggest_offer(&suggest, libraries->keys[i]->text);
        if (!slice_equals(libraries->keys[i]->text, name) || path == NULL || path->kind != NODE_SCALAR)
            continue;
        put_path(swap, path, library->path);
        return true;
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set(swap->error, "%s has no library '%s' under 'libraries'%s", swap->path,
                     wording_quote(swap->arena, name), suggest_phrase(&suggest, phrase));
}

bool library_swap_apply(const struct library_swap *swap, const struct node *root)
{
    for (size_t i = 0; i < swap->library_count; ++i) {
        const struct scenario_library *library = &swap->libraries[i];
        bool is_swapped =
            library->name == NULL ? swap_only(swap, root, library->path) : swap_named(swap, root, library);
        if (!is_swapped)
            return false;
    }
    return true;
}
