#include "config/node.h"

#include "base/file.h"
#include "config/document.h"
#include "config/include.h"

#include <stdlib.h>

const struct node *node_load(struct source *source, const char *path, struct arena *arena, struct error *error)
{
    struct include include = {.source = source, .arena = arena, .error = error};
    return include_load(&include, path);
}

const struct node *node_parse(struct source *source, const char *name, struct slice text, struct arena *arena,
                              struct error *error)
{
    size_t node_count = 0;
    struct source_text *named = arena_alloc(arena, sizeof(*named));
    *named = (struct source_text){arena_copy(arena, slice_from_text(name)).data, text};
    char *file = file_absolute(NULL, name);
    struct document document = {source,     arena, error, named, arena_copy(arena, slice_from_text(file)).data,
                                &node_count};
    free(file);
    return document_parse(&document);
}

const struct node *node_find(const struct node *mapping, const char *key)
{
    struct slice wanted = slice_from_text(key);
    for (size_t i = 0; mapping != NULL && mapping->kind == NODE_MAPPING && i < mapping->count; ++i) {
        if (slice_equals(mapping->keys[i]->text, wanted))
            return mapping->items[i];
    }
    return NULL;
}

const char *node_kind_phrase(const struct node *node)
{
    static const char *const phrases[] = {
        [NODE_SCALAR] = "a text", [NODE_SEQUENCE] = "a list", [NODE_MAPPING] = "a mapping"};
    return node->kind == NODE_SCALAR && node->is_null ? "nothing" : phrases[node->kind];
}

const char *node_path(const struct node *node, struct slice path, struct arena *arena)
{
    char *folder = node->file == NULL ? NULL : file_folder(node->file);
    char *absolute = file_absolute(folder, arena_copy(arena, path).data);
    const char *copy = arena_copy(arena, slice_from_text(absolute)).data;
    free(absolute);
    free(folder);
    return copy;
}
