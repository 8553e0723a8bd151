#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    LIBRARY_PATH = 0,
    LIBRARY_SHARE,
    LIBRARY_BLOCKING,
    LIBRARY_SERIALIZE,
    LIBRARY_QUARANTINE,
    LIBRARY_RUNNER, /* RUNNER_FIELDS of them */
    LIBRARY_FIELDS = LIBRARY_RUNNER + RUNNER_FIELDS,
};

static const struct field fields[LIBRARY_FIELDS] = {
    [LIBRARY_PATH] = {.name = "path",
                      .type = FIELD_TEXT,
                      .required = true,
                      .summary = "the library's file, or a bare name to look up"},
    [LIBRARY_SHARE] = {.name = "share",
                       .type = FIELD_INTEGER,
                       .minimum = 1,
                       .maximum = 100,
                       .summary = "what it may have of the pool, in percent"},
    [LIBRARY_BLOCKING] = {.name = "blocking",
                          .type = FIELD_BOOL,
                          .fallback = "no",
                          .summary = "its filters may take long: their hooks run on threads of the pool"},
    [LIBRARY_SERIALIZE] = {.name = "serialize",
                           .type = FIELD_BOOL,
                           .fallback = "no",
                           .summary = "is called on no two threads at once"},
    [LIBRARY_QUARANTINE] = {.name = "quarantine",
                            .type = FIELD_BOOL,
                            .fallback = "no",
                            .summary = "its routes answer 503 where it crashes again and again"},
    [LIBRARY_RUNNER + RUNNER_ISOLATE] = SETTINGS_ISOLATE("process: it runs in processes of its own"),
    [LIBRARY_RUNNER + RUNNER_INSTANCES] = {.name = "instances",
                                           .type = FIELD_INTEGER,
                                           .fallback = "1",
                                           .minimum = 1,
                                           .maximum = 64,
                                           .summary = "how many processes run it, where it is isolated"},
    [LIBRARY_RUNNER + RUNNER_MEMORY] = {.name = "memory",
                                        .type = FIELD_SIZE,
                                        .fallback = "512MB",
                                        .minimum = SETTINGS_MB,
                                        .maximum = (int64_t)SETTINGS_MB * SETTINGS_MB,
                                        .summary = "what it may take in each of these processes"},
    [LIBRARY_RUNNER + RUNNER_CALL_TIMEOUT] = {.name = "call_timeout",
                                              .type = FIELD_DURATION,
                                              .fallback = "10s",
                                              .minimum = 10,
                                              .maximum = 3600 * 1000,
                                              .summary = "how long one call of it may take there: then its process is "
                                                         "ended, and the request answered 504"},
    [LIBRARY_RUNNER + RUNNER_CALL_CPU_TIME] = {.name = "call_cpu_time",
                                               .type = FIELD_DURATION,
                                               .minimum = 10,
                                               .maximum = 3600 * 1000,
                                               .summary = "how much CPU time one call of it may use there, with the "
                                                          "same end"},
    [LIBRARY_RUNNER + RUNNER_NICE] = {.name = "nice",
                                      .type = FIELD_INTEGER,
                                      .fallback = "0",
                                      .minimum = 0,
                                      .maximum = 19,
                                      .summary = "how far these processes stand back when CPUs are busy"},
};

/* Reads what stands beside the path in the long form, and gives the path as written. */
static const struct node *find_path(struct settings_reader *reader, const struct node *node,
                                    struct field_value values[LIBRARY_FIELDS], struct library_settings *library)
{
    if (node->kind == NODE_SEQUENCE) {
        error_set_at(reader->error, node->place, "a library is a path or a mapping, not a list");
        return NULL;
    }
    if (node->kind == NODE_MAPPING) {
        if (!fields_read(fields, LIBRARY_FIELDS, node, node->place, "a library", reader->source, reader->arena, values,
                         reader->error))
            return NULL;
        node = values[LIBRARY_PATH].node;
        library->has_share = values[LIBRARY_SHARE].written;
        library->is_blocking = values[LIBRARY_BLOCKING].boolean;
        library->wants_quarantine = values[LIBRARY_QUARANTINE].boolean;
        library->is_serial = values[LIBRARY_SERIALIZE].boolean;
        library->share_percent = (unsigned)values[LIBRARY_SHARE].integer;
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
    struct field_value values[LIBRARY_FIELDS];
    const struct node *path = find_path(reader, node, values, library);
    if (path == NULL)
        return false;
    struct step_settings step = {0};
    bool is_bare = slice_find(path->text, '/') == path->text.length && !slice_ends_with(path->text, SLICE(".so"));
    if (!is_bare)
        step_resolve(reader, path, path->text, &step);
    library->path = is_bare ? path->text : step.library;
    if (node->kind == NODE_MAPPING && !runner_read(reader, &values[LIBRARY_RUNNER], library))
        return false;
    name_index_add(&reader->libraries, reader->arena, library->name, library);
    if (is_bare || source_has_file(reader->source, library->path.data))
        return true;
    const char *prefix = arena_print(reader->arena, "library '%s': ", wording_quote(reader->arena, library->name)).data;
    return step_refuse_absent(reader, path->place, prefix, library->path);
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
