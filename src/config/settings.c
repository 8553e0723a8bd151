#include "config/settings.h"

#include "base/alloc.h"
#include "base/file.h"
#include "config/ini.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <stdlib.h>

enum {
    SETTING_LISTEN = 0,
    SETTING_WORKERS,
    SETTING_LIBRARIES,
    SETTING_LIBRARY_PATH,
    SETTING_UPSTREAMS,
    SETTING_RESOLVER,
    SETTING_FILTERS,
    SETTING_ROUTES,
    SETTING_ERROR_PAGES,
    SETTING_COMPRESS,
    SETTING_TRUSTED_PROXIES,
    SETTING_HTTPS_ONLY,
    SETTING_ACME_CHALLENGES,
    SETTING_USER,
    SETTING_ACCESS_LOG,
    SETTING_MAX_CONNECTIONS,
    SETTING_MAX_CONNECTIONS_PER_ADDRESS,
    SETTING_BODY_LIMIT,
    SETTING_BODY_RATE,
    SETTING_HEAD_LIMIT,
    SETTING_HEADER_LIMIT,
    SETTING_HEADER_TIMEOUT,
    SETTING_BODY_TIMEOUT,
    SETTING_KEEP_ALIVE_TIMEOUT,
    SETTING_WRITE_TIMEOUT,
    SETTING_HANDLER_TIMEOUT,
    SETTING_DRAIN_TIMEOUT,
    SETTING_SHUTDOWN_TIMEOUT,
    SETTING_ARENA,
    SETTING_FIELDS,
};

enum {
    DAY_MS = 24 * 3600 * 1000,
};

#define KB 1024L
#define MB (1024L * KB)
#define TB SETTINGS_BODY_LIMIT_MOST

#define SETTING_TIME(key, least, usual, text)                                                                          \
    {                                                                                                                  \
        .name = key, .type = FIELD_DURATION, .fallback = usual, .minimum = least, .maximum = DAY_MS, .summary = text   \
    }

static const struct field fields[SETTING_FIELDS] = {
    [SETTING_LISTEN] = {.name = "listen", .type = FIELD_NODE, .summary = "where connections are accepted"},
    [SETTING_WORKERS] = {.name = "workers", .type = FIELD_TEXT, .summary = "how many processes serve"},
    [SETTING_LIBRARIES] = {.name = "libraries", .type = FIELD_NODE, .summary = "names for libraries"},
    [SETTING_LIBRARY_PATH] = {.name = "library_path", .type = FIELD_LIST, .summary = "folders to look up names in"},
    [SETTING_UPSTREAMS] = {.name = "upstreams", .type = FIELD_NODE, .summary = "names for groups of servers"},
    [SETTING_RESOLVER] = {.name = "resolver", .type = FIELD_NODE, .summary = "whom names of servers are asked of"},
    [SETTING_FILTERS] = {.name = "filters", .type = FIELD_NODE, .summary = "the chain of every route"},
    [SETTING_ROUTES] = {.name = "routes", .type = FIELD_NODE, .summary = "which request goes where; first match wins"},
    [SETTING_ERROR_PAGES] = {.name = "error_pages",
                             .type = FIELD_NODE,
                             .summary = "statuses to files with their pages"},
    [SETTING_COMPRESS] = {.name = "compress", .type = FIELD_NODE, .summary = "which responses are compressed, and how"},
    [SETTING_TRUSTED_PROXIES] = {.name = "trusted_proxies",
                                 .type = FIELD_LIST,
                                 .summary = "addresses and networks whose word about clients counts"},
    [SETTING_HTTPS_ONLY] = {.name = "https_only",
                            .type = FIELD_NODE,
                            .summary = "whether clients that come by http are sent to https"},
    [SETTING_ACME_CHALLENGES] = {.name = "acme_challenges",
                                 .type = FIELD_PATH,
                                 .summary = "the folder that an ACME client puts its answers under (its webroot)"},
    [SETTING_USER] = {.name = "user", .type = FIELD_TEXT, .summary = "whom workers run as"},
    [SETTING_ACCESS_LOG] = {.name = "access_log",
                            .type = FIELD_TEXT,
                            .fallback = "stdout",
                            .summary = "a file, stdout or off"},
    [SETTING_MAX_CONNECTIONS] = {.name = "max_connections",
                                 .type = FIELD_INTEGER,
                                 .fallback = "0",
                                 .maximum = INT32_MAX,
                                 .summary = "how many clients may be connected; 0: any number"},
    [SETTING_MAX_CONNECTIONS_PER_ADDRESS] = {.name = "max_connections_per_address",
                                             .type = FIELD_INTEGER,
                                             .fallback = "0",
                                             .maximum = INT32_MAX,
                                             .summary = "how many connections one client may have; 0: any number"},
    [SETTING_BODY_LIMIT] = {.name = "body_limit",
                            .type = FIELD_SIZE,
                            .fallback = "16MB",
                            .minimum = 0,
                            .maximum = TB,
                            .summary = "how large a request's body may be"},
    [SETTING_BODY_RATE] = {.name = "body_rate",
                           .type = FIELD_SIZE,
                           .fallback = "100",
                           .minimum = 0,
                           .maximum = MB,
                           .summary = "how much of a body has to come in a second, on average"},
    [SETTING_HEAD_LIMIT] = {.name = "head_limit",
                            .type = FIELD_SIZE,
                            .fallback = "64KB",
                            .minimum = KB,
                            .maximum = MB,
                            .summary = "how large a head may be"},
    [SETTING_HEADER_LIMIT] = {.name = "header_limit",
                              .type = FIELD_INTEGER,
                              .fallback = "100",
                              .minimum = 1,
                              .maximum = 10000,
                              .summary = "how many fields a head may have"},
    [SETTING_HEADER_TIMEOUT] = SETTING_TIME("header_timeout", 1, "30s", "until a request's head is there"),
    [SETTING_BODY_TIMEOUT] = SETTING_TIME("body_timeout", 1, "60s", "between two pieces of a request's body"),
    [SETTING_KEEP_ALIVE_TIMEOUT] = SETTING_TIME("keep_alive_timeout", 1, "75s", "until the next request begins"),
    [SETTING_WRITE_TIMEOUT] = SETTING_TIME("write_timeout", 1, "60s", "until a client takes the next piece"),
    [SETTING_HANDLER_TIMEOUT] = SETTING_TIME("handler_timeout", 1, "60s", "how long a filter may pause"),
    [SETTING_DRAIN_TIMEOUT] = SETTING_TIME("drain_timeout", 0, "30s", "how long an old generation may go on"),
    [SETTING_SHUTDOWN_TIMEOUT] = SETTING_TIME("shutdown_timeout", 0, "30s", "how long stopping may take"),
    [SETTING_ARENA] = {.name = "arena",
                       .type = FIELD_SIZE,
                       .fallback = "4KB",
                       .minimum = 0,
                       .maximum = 16 * MB,
                       .summary = "what an exchange has ready"},
};

/* The settings with the memory they live in. */
struct owned_settings {
    struct settings settings;
    struct arena arena;
};

static bool read_workers(struct settings_reader *reader, const struct field_value *value)
{
    if (!value->written)
        return environment_workers(reader);
    return workers_parse(value->text, &reader->settings->workers) ||
           error_set_at(reader->error, value->place, "'workers' must be 'auto' or a number from 1 to 256, not '%s'",
                        wording_quote(reader->arena, value->text));
}

static bool read_arena(struct settings_reader *reader, const struct field_value *value)
{
    if (!value->written)
        return environment_arena(reader);
    reader->settings->arena_bytes = value->integer;
    return true;
}

static bool read_library_path(struct settings_reader *reader, const struct field_value *value)
{
    struct field_item *folders = arena_alloc(reader->arena, value->count * sizeof(*folders));
    reader->settings->library_path = folders;
    reader->settings->library_path_count = value->count;
    for (size_t i = 0; i < value->count; ++i) {
        const struct node *node = value->node->kind == NODE_SEQUENCE ? value->node->items[i] : value->node;
        if (node->text.length == 0)
            return error_set_at(reader->error, node->place, "a folder's path is missing here");
        folders[i].text = slice_from_text(node_path(node, node->text, reader->arena));
        folders[i].place = node->place;
    }
    return true;
}

static bool read_access_log(struct settings_reader *reader, const struct field_value *value)
{
    static const char *const not_paths[] = {"no", "false", "none", "disabled", "yes", "true", "on", "stderr"};
    struct slice text = value->text;
    reader->settings->access_log_place = value->place;
    if (text.length == 0)
        return error_set_at(reader->error, value->place, "'access_log' wants a path, 'stdout' or 'off'");
    for (size_t i = 0; i < sizeof(not_paths) / sizeof(not_paths[0]); ++i) {
        if (slice_equals_nocase(text, slice_from_text(not_paths[i])))
            return error_set_at(
                reader->error, value->place,
                "'access_log' wants a path, 'stdout' or 'off', not '%s' (a file of that name is './%s')", text.data,
                text.data);
    }
    if (slice_equals(text, SLICE("off")))
        reader->settings->access_log = SLICE_NONE;
    else if (slice_equals(text, SLICE("-")) || slice_equals(text, SLICE("stdout")))
        reader->settings->access_log = SLICE("-");
    else
        reader->settings->access_log = slice_from_text(node_path(value->node, text, reader->arena));
    return true;
}

static bool read_user(struct settings_reader *reader, const struct field_value *value)
{
    reader->settings->user = value->text;
    reader->settings->user_place = value->place;
    return !value->written || value->text.length != 0 ||
           error_set_at(reader->error, value->place, "'user' wants a user's name, not an empty text");
}

static void take_limits(struct settings *settings, const struct field_value *values)
{
    settings->max_connections = values[SETTING_MAX_CONNECTIONS].integer;
    settings->max_connections_per_address = values[SETTING_MAX_CONNECTIONS_PER_ADDRESS].integer;
    settings->body_limit_bytes = values[SETTING_BODY_LIMIT].integer;
    settings->body_rate_bytes = values[SETTING_BODY_RATE].integer;
    settings->head_limit_bytes = values[SETTING_HEAD_LIMIT].integer;
    settings->header_limit = values[SETTING_HEADER_LIMIT].integer;
    settings->header_timeout_ms = values[SETTING_HEADER_TIMEOUT].integer;
    settings->body_timeout_ms = values[SETTING_BODY_TIMEOUT].integer;
    settings->keep_alive_timeout_ms = values[SETTING_KEEP_ALIVE_TIMEOUT].integer;
    settings->write_timeout_ms = values[SETTING_WRITE_TIMEOUT].integer;
    settings->handler_timeout_ms = values[SETTING_HANDLER_TIMEOUT].integer;
    settings->drain_timeout_ms = values[SETTING_DRAIN_TIMEOUT].integer;
    settings->shutdown_timeout_ms = values[SETTING_SHUTDOWN_TIMEOUT].integer;
}

/* Names come first, whatever the order in the file: routes refer to them. So do listeners to trusted proxies. */
static bool read_settings(struct settings_reader *reader, const struct node *root)
{
    struct settings *settings = reader->settings;
    struct field_value values[SETTING_FIELDS];
    if (!fields_read(fields, SETTING_FIELDS, root, root == NULL ? PLACE_NONE : root->place, "the configuration",
                     reader->source, reader->arena, values, reader->error))
        return false;
    take_limits(settings, values);
    settings->acme_challenges = values[SETTING_ACME_CHALLENGES].path;
    return address_ranges_read(reader, &values[SETTING_TRUSTED_PROXIES], "trusted_proxies", &settings->trusted_proxies,
                               &settings->trusted_proxy_count) &&
           listeners_read(reader, &values[SETTING_LISTEN]) && read_workers(reader, &values[SETTING_WORKERS]) &&
           read_arena(reader, &values[SETTING_ARENA]) && read_user(reader, &values[SETTING_USER]) &&
           read_access_log(reader, &values[SETTING_ACCESS_LOG]) &&
           read_library_path(reader, &values[SETTING_LIBRARY_PATH]) &&
           libraries_read(reader, &values[SETTING_LIBRARIES]) && upstreams_read(reader, &values[SETTING_UPSTREAMS]) &&
           resolver_read(reader, &values[SETTING_RESOLVER]) &&
           steps_read(reader, values[SETTING_FILTERS].node, &settings->filters, &settings->filter_count) &&
           https_only_read(reader, &values[SETTING_HTTPS_ONLY]) &&
           error_pages_read(reader, values[SETTING_ERROR_PAGES].node, &settings->error_pages) &&
           compress_read(reader, values[SETTING_COMPRESS].node, &settings->compression) &&
           routes_read(reader, &values[SETTING_ROUTES]);
}

static void set_folder(struct settings_reader *reader, const char *path)
{
    char *absolute = file_absolute(NULL, path);
    char *folder = reader->settings->style == SETTINGS_INI ? file_absolute(NULL, ".") : file_folder(absolute);
    reader->settings->folder = arena_copy(reader->arena, slice_from_text(folder)).data;
    free(absolute);
    free(folder);
}

static bool load(struct settings_reader *reader, const char *path)
{
    bool is_ini = slice_ends_with(slice_from_text(path), SLICE(".ini"));
    reader->settings->style = is_ini ? SETTINGS_INI : SETTINGS_YAML;
    reader->settings->path = arena_copy(reader->arena, slice_from_text(path)).data;
    set_folder(reader, path);
    if (is_ini)
        return ini_read(reader, path) && read_settings(reader, NULL);
    const struct node *root = node_load(reader->source, path, reader->arena, reader->error);
    return root != NULL && read_settings(reader, root);
}

struct settings *settings_load(struct source *source, const char *path, struct error *error)
{
    struct owned_settings *owned = mem_zalloc(sizeof(*owned));
    arena_init(&owned->arena, 0);
    struct settings_reader reader = {
        .settings = &owned->settings, .source = source, .arena = &owned->arena, .error = error};
    if (load(&reader, path))
        return &owned->settings;
    settings_destroy(&owned->settings);
    return NULL;
}

void settings_destroy(struct settings *settings)
{
    if (settings == NULL)
        return;
    struct owned_settings *owned = (struct owned_settings *)settings;
    arena_finish(&owned->arena);
    free(owned);
}
