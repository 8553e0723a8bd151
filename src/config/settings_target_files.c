#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    FILES_ROOT = 0,
    FILES_INDEX,
    FILES_FALLBACK,
    FILES_PRECOMPRESSED,
    FILES_FIELDS,
};

static const struct field fields[FILES_FIELDS] = {
    [FILES_ROOT] = {.name = "root", .type = FIELD_PATH, .required = true, .summary = "the folder"},
    [FILES_INDEX] = {.name = "index",
                     .type = FIELD_LIST,
                     .fallback = "index.html",
                     .summary = "what stands for a folder: the first of these that is in it"},
    [FILES_FALLBACK] = {.name = "fallback", .type = FIELD_TEXT, .summary = "the file that stands for missing ones"},
    [FILES_PRECOMPRESSED] = {.name = "precompressed",
                             .type = FIELD_BOOL,
                             .fallback = "no",
                             .summary = "whether NAME.br and NAME.gz beside a file are sent to clients that take them"},
};

/* A name within the folder, of one segment or several. */
static bool check_name(struct settings_reader *reader, struct place place, const char *key, struct slice name,
                       bool allows_folders)
{
    struct slice rest = name;
    bool is_good = name.length != 0 && name.data[name.length - 1] != '/';
    while (rest.length != 0 && is_good) {
        size_t end = slice_find(rest, '/');
        struct slice segment = slice_of(rest.data, end);
        is_good = end != 0 && !slice_equals(segment, SLICE(".")) && !slice_equals(segment, SLICE("..")) &&
                  (allows_folders || end == rest.length);
        rest = slice_skip(rest, end == rest.length ? end : end + 1);
    }
    return is_good || error_set_at(reader->error, place, "'%s' wants %s, not '%s'", key,
                                   allows_folders ? "a file's path within 'root', such as index.html"
                                                  : "a file's name, such as index.html",
                                   wording_quote(reader->arena, name));
}

static bool read_mapping(struct settings_reader *reader, const struct node *node, struct files_settings *files)
{
    struct field_value values[FILES_FIELDS];
    if (!fields_read(fields, FILES_FIELDS, node, node->place, "'files'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    *files = (struct files_settings){
        .root = values[FILES_ROOT].path,
        .index = values[FILES_INDEX].list,
        .index_count = values[FILES_INDEX].count,
        .fallback = values[FILES_FALLBACK].text,
        .is_precompressed = values[FILES_PRECOMPRESSED].boolean,
        .place = values[FILES_ROOT].place,
    };
    for (size_t i = 0; i < files->index_count; ++i) {
        if (!check_name(reader, files->index[i].place, "index", files->index[i].text, false))
            return false;
    }
    return !values[FILES_FALLBACK].written ||
           check_name(reader, values[FILES_FALLBACK].place, "fallback", files->fallback, true);
}

bool files_read(struct settings_reader *reader, const struct node *node, struct route_settings *route)
{
    static const struct field_item usual_index = {{"index.html", sizeof("index.html") - 1}, {0}};
    struct files_settings *files = arena_zalloc(reader->arena, sizeof(*files));
    route->target = TARGET_FILES;
    route->files = files;
    if (node->kind == NODE_MAPPING)
        return read_mapping(reader, node, files);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "'files' is a folder or a mapping, not a list");
    if (node->is_null || node->text.length == 0)
        return error_set_at(reader->error, node->place, "a folder is missing here");
    *files = (struct files_settings){
        .root = node_path(node, node->text, reader->arena),
        .index = &usual_index,
        .index_count = 1,
        .place = node->place,
    };
    return true;
}
