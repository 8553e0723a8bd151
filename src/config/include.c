#include "config/include.h"

#include "base/file.h"
#include "config/document.h"
#include "config/merge.h"
#include "config/wording.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MOST_FILES = 10000,
    MOST_ROUTES = 1000000,
    DEEPEST_INCLUDE = 32,
};

/* A file that is being read, with those that include it around it. */
struct open_file {
    const char *path; /* absolute */
    const struct source_text *text;
    const struct open_file *outer;
    unsigned depth;
};

/* What is done with each file that an include names. */
struct action {
    bool (*load)(struct include *include, const struct open_file *file, struct node *root, void *target);
    void *target;
};

static bool read_settings(struct include *include, const struct open_file *file, struct node *root, void *target);
static bool expand_routes(struct include *include, const struct open_file *file, struct node *routes);

/* The name of an included file as it would be written from where the first file was named. */
static const char *shown_path(struct include *include, const struct open_file *outer, const char *path)
{
    char *folder = file_folder(outer->path);
    char *shown_folder = file_folder(outer->text->path);
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    const char *shown = path;
    if (strncmp(path, folder, length) == 0 && path[length] == '/') {
        bool is_bare = strchr(outer->text->path, '/') == NULL;
        shown = is_bare ? path + length + 1
                        : arena_print(include->arena, "%s%s", strcmp(shown_folder, "/") == 0 ? "" : shown_folder,
                                      path + length)
                              .data;
    }
    free(folder);
    free(shown_folder);
    return arena_copy(include->arena, slice_from_text(shown)).data;
}

static bool check_circle(struct include *include, const struct open_file *file, struct place at)
{
    for (const struct open_file *outer = file->outer; outer != NULL; outer = outer->outer) {
        if (strcmp(outer->path, file->path) == 0)
            return error_set_at(include->error, at, "'%s' includes itself", outer->text->path);
    }
    if (file->depth > DEEPEST_INCLUDE)
        return error_set_at(include->error, at, "includes go too deep: more than %d files in each other",
                            DEEPEST_INCLUDE);
    if (++include->file_count > MOST_FILES)
        return error_set_at(include->error, at, "there are too many included files: more than %d", MOST_FILES);
    return true;
}

/* Reads one file as a tree. The include that names it stands at `at`. */
static struct node *parse_file(struct include *include, struct open_file *file, const char *shown, struct place at)
{
    struct source_text *text = arena_zalloc(include->arena, sizeof(*text));
    text->path = shown;
    file->text = text;
    if (!check_circle(include, file, at))
        return NULL;
    if (!source_read_text(include->source, file->path, &text->content)) {
        int number = errno;
        source_want(include->source, WATCH_FILE, file->path);
        error_set_at(include->error, at, "cannot read '%s': %s%s", shown, source_refusal(number),
                     wording_home_hint(file->path));
        return NULL;
    }
    struct document document = {include->source, include->arena,      include->error, text,
                                file->path,      &include->node_count};
    return document_parse(&document);
}

static bool load_path(struct include *include, const struct open_file *outer, const char *path, struct place at,
                      const struct action *action)
{
    struct open_file file = {.path = path, .outer = outer, .depth = outer->depth + 1};
    struct node *root = parse_file(include, &file, shown_path(include, outer, path), at);
    return root != NULL && action->load(include, &file, root, action->target);
}

static bool is_pattern(struct slice path)
{
    return slice_find(path, '*') != path.length || slice_find(path, '?') != path.length ||
           slice_find(path, '[') != path.length;
}

/* What the folder is called is no part of the pattern. */
static const char *find_pattern(const struct include *include, const struct node *node)
{
    char *folder = file_folder(node->file);
    struct text escaped = TEXT_INIT;
    file_add_to_pattern(folder, &escaped);
    char *absolute = file_absolute(escaped.data, arena_copy(include->arena, node->text).data);
    const char *pattern = arena_copy(include->arena, slice_from_text(absolute)).data;
    free(absolute);
    free(folder);
    text_finish(&escaped);
    return pattern;
}

static bool load_named(struct include *include, const struct open_file *outer, const struct node *node,
                       const struct action *action)
{
    if (node->kind != NODE_SCALAR)
        return error_set_at(include->error, node->place, "'include' wants a path or a list of paths, not %s",
                            node_kind_phrase(node));
    if (node->text.length == 0 || node->is_null)
        return error_set_at(include->error, node->place, "'include' has no value");
    if (!is_pattern(node->text))
        return load_path(include, outer, node_path(node, node->text, include->arena), node->place, action);
    for (char *const *match = source_glob(include->source, find_pattern(include, node)); *match != NULL; ++match) {
        if (!load_path(include, outer, *match, node->place, action))
            return false;
    }
    return true;
}

static bool load_all(struct include *include, const struct open_file *outer, const struct node *value,
                     const struct action *action)
{
    if (value->kind != NODE_SEQUENCE)
        return load_named(include, outer, value, action);
    for (size_t i = 0; i < value->count; ++i) {
        if (!load_named(include, outer, value->items[i], action))
            return false;
    }
    return true;
}

struct route_list {
    struct node **items;
    size_t count;
    size_t capacity;
};

static void add_route(struct include *include, struct route_list *list, struct node *route)
{
    list->items = arena_grow(include->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = route;
}

static bool read_routes(struct include *include, const struct open_file *file, struct node *root, void *target)
{
    bool is_empty = root->kind == NODE_MAPPING && root->count == 0;
    if (root->kind != NODE_SEQUENCE && !is_empty)
        return error_set_at(include->error, root->place,
                            "a file that 'routes' includes is a list of routes, not %s (other keys are included at "
                            "the top level)",
                            node_kind_phrase(root));
    if (!is_empty && !expand_routes(include, file, root))
        return false;
    for (size_t i = 0; i < root->count; ++i)
        add_route(include, target, root->items[i]);
    return true;
}

static bool expand_route(struct include *include, const struct open_file *file, struct node *route,
                         struct route_list *list)
{
    const struct node *value = node_find(route, "include");
    if (value != NULL && route->count == 1) {
        struct action action = {read_routes, list};
        return load_all(include, file, value, &action);
    }
    if (value != NULL)
        return error_set_at(include->error, value->place, "'include' must stand alone in its item of 'routes'");
    struct node *inner = (struct node *)node_find(route, "routes");
    add_route(include, list, route);
    return inner == NULL || expand_routes(include, file, inner);
}

/* Replaces the list's includes. What is no list of routes is left for the reader of settings to refuse. A list that an
 * alias repeats is visited again, and has no includes any more. */
static bool expand_routes(struct include *include, const struct open_file *file, struct node *routes)
{
    if (routes->kind != NODE_SEQUENCE)
        return true;
    struct route_list list = {0};
    for (size_t i = 0; i < routes->count; ++i) {
        if (++include->route_count > MOST_ROUTES)
            return error_set_at(include->error, routes->place, "there are too many routes: more than %d", MOST_ROUTES);
        if (!expand_route(include, file, routes->items[i], &list))
            return false;
    }
    routes->items = list.items;
    routes->count = list.count;
    return true;
}

static bool read_settings(struct include *include, const struct open_file *file, struct node *root, void *target)
{
    if (root->kind != NODE_MAPPING)
        return error_set_at(include->error, root->place,
                            "a configuration is a mapping with keys such as 'listen' and 'routes', not %s",
                            node_kind_phrase(root));
    struct action action = {read_settings, target};
    for (size_t i = 0; i < root->count; ++i) {
        struct slice key = root->keys[i]->text;
        if (slice_equals(key, SLICE("include"))) {
            if (!load_all(include, file, root->items[i], &action))
                return false;
            continue;
        }
        if (slice_equals(key, SLICE("routes")) && !expand_routes(include, file, root->items[i]))
            return false;
        if (!merge_add(target, root->keys[i], root->items[i]))
            return false;
    }
    return true;
}

const struct node *include_load(struct include *include, const char *path)
{
    char *absolute = file_absolute(NULL, path);
    struct open_file file = {.path = arena_copy(include->arena, slice_from_text(absolute)).data};
    free(absolute);
    const char *shown = arena_copy(include->arena, slice_from_text(path)).data;
    struct node *root = parse_file(include, &file, shown, PLACE_NONE);
    struct merge merge = {.arena = include->arena, .error = include->error};
    if (root == NULL || !read_settings(include, &file, root, &merge))
        return NULL;
    merge_finish(&merge, root);
    return root;
}
