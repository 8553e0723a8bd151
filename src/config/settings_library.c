#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    LIBRARY_PATH = 0,
    LIBRARY_FIELDS,
};

static const struct field fields[LIBRARY_FIELDS] = {
    [LIBRARY_PATH] = {.name = "path",
                      .type = FIELD_TEXT,
                      .required = true,
                      .summary = "the library's file, or a bare name to look up"},
};

/* The path as written, in short or long form. */
static const struct node *find_path(struct settings_reader *reader, const struct node *node)
{
    struct field_value values[LIBRARY_FIELDS];
    if (node->kind == NODE_SEQUENCE) {
        error_set_at(reader->error, node->place, "a library is a path or a mapping, not a list");
        return NULL;
    }
    if (node->kind == NODE_MAPPING) {
        if (!fields_read(fields, LIBRARY_FIELDS, node, node->place, "a library", reader->source, reader->arena, values,
                         reader->error))
            return NULL;
        node = values[LIBRARY_PATH].node;
    }
    if (node->is_null || node->text.length == 0) {
        error_set_at(reader->error, node->place, "a library's path is missing here");
        return NULL;
    }
    return node;
}

static bool read_library(struct settings_reader *reader, const struct node *key, const struct node *node,
                         struct library_settings *library)
{
    library->name = key->text;
    library->place = key->place;
    if (!name_check(reader, key, "a library", false))
        return false;
    const struct node *path = find_path(reader, node);
    if (path == NULL)
        return false;
    struct step_settings step = {0};
    bool is_bare = slice_find(path->text, '/') == path->text.length && !slice_ends_with(path->text, SLICE(".so"));
    if (!is_bare)
        step_resolve(reader, path, path->text, &step);
    library->path = is_bare ? path->text : step.library;
    name_index_add(&reader->libraries, reader->arena, library->name, library);
    if (is_bare || source_has_file(reader->source, library->path.data))
        return true;
    source_want(reader->source, library->path.data);
    return error_set_at(reader->error, path->place, "library '%s': there is no file '%s'%s",
                        wording_quote(reader->arena, library->name), wording_quote(reader->arena, library->path),
                        wording_home_hint(library->path.data));
}

bool libraries_read(struct settings_reader *reader, const struct field_value *value)
{
    const struct node *node = value->node;
    if (node == NULL)
        return true;
    if (!value_check_kind(reader, node, "libraries", NODE_MAPPING, "a mapping of names to paths"))
        return false;
    struct library_settings *libraries = arena_zalloc(reader->arena, node->count * sizeof(*libraries));
    reader->settings->libraries = libraries;
    reader->settings->library_count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_library(reader, node->keys[i], node->items[i], &libraries[i]))
            return false;
    }
    return true;
}
