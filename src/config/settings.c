#include "config/settings.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/units.h"
#include "config/ini.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <stdlib.h>

enum {
    SETTING_LISTEN = 0,
    SETTING_ADMIN,
    SETTING_WORKERS,
    SETTING_LIBRARIES,
    SETTING_LIBRARY_PATH,
    SETTING_UPSTREAMS,
    SETTING_RESOLVER,
    SETTING_POOL,
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
    SETTING_CREATE_TIMEOUT,
    SETTING_STUCK_TIMEOUT,
    SETTING_PROBATION,
    SETTING_DRAIN_TIMEOUT,
    SETTING_MAX_GENERATIONS,
    SETTING_SHUTDOWN_TIMEOUT,
    SETTING_SHUTDOWN_DELAY,
    SETTING_ARENA,
    SETTING_WATCH,
    SETTING_FIELDS,
};

enum {
    DAY_MS = 24 * 3600 * 1000,
    LEAST_STUCK_MS = 200,
};

#define KB 1024L
#define MB (1024L * KB)
#define TB SETTINGS_BODY_LIMIT_MOST

#define SETTING_TIME(key, least, usual, text)                                                                          \
    {                                                                                                                  \
        .name = key, .type = FIELD_DURATION, .fallback = usual, .minimum = least, .maximum = DAY_MS, .summary = text   \
    }

static const char *const watch_modes[] = {
    [WATCH_OFF] = "off",
    [WATCH_LIBRARIES] = "libraries",
    [WATCH_ALL] = "all",
    NULL,
};

static const struct field fields[SETTING_FIELDS] = {
    [SETTING_LISTEN] = {.name = "listen", .type = FIELD_NODE, .summary = "where connections are accepted"},
    [SETTING_ADMIN] = {.name = "admin", .type = FIELD_NODE, .summary = "where /healthz, /readyz and /metrics are"},
    [SETTING_WORKERS] = {.name = "workers", .type = FIELD_TEXT, .summary = "how many processes serve"},
    [SETTING_LIBRARIES] = {.name = "libraries", .type = FIELD_NODE, .summary = "names for libraries"},
    [SETTING_LIBRARY_PATH] = {.name = "library_path", .type = FIELD_LIST, .summary = "folders to look up names in"},
    [SETTING_UPSTREAMS] = {.name = "upstreams", .type = FIELD_NODE, .summary = "names for groups of servers"},
    [SETTING_RESOLVER] = {.name = "resolver", .type = FIELD_NODE, .summary = "whom names of servers are asked of"},
    [SETTING_POOL] = {.name = "pool", .type = FIELD_NODE, .summary = "threads for work that blocks"},
    [SETTING_FILTERS] = {.name = "filters", .type = FIELD_NODE, .summary = "the chain of every route"},
    [SETTING_ROUTES] = {.name = "routes", .type = FIELD_NODE, .summary = "which request goes where; first match wins"},
    [SETTING_ERROR_PAGES] = {.name = "error_pages",
                             .type = FIELD_NODE,
                             .summary = "statuses to files with their pages"},
    [SETTING_COMPRESS] = {.name = "compress", .type = FIELD_NODE, .summary = "which responses are compressed, and how"},
    [SETTING_TRUSTED_PROXIES] = {.name = "trusted_proxies",
                                 .type = FIELD_RANGES,
                                 .summary = "addresses and networks whose word about clients counts"},
    [SETTING_HTTPS_ONLY] = {.name = "https_only",
                            .type = FIELD_NODE,
                            .summary = "whether clients that come by http are sent to https"},
    [SETTING_ACME_CHALLENGES] = {.name = "acme_challenges",
                                 .type = FIELD_PATH,
                                 .summary = "the folder that an ACME client puts its answers under (its webroot)"},
    [SETTING_USER] = {.name = "user", .type = FIELD_TEXT, .summary = "whom workers run as"},
    [SETTING_ACCESS_LOG] = {.name = "access_log",
                            .type = FIELD_NODE,
                            .fallback = "stdout",
                            .summary = "a file, stdout or off; or how its lines are"},
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
    [SETTING_CREATE_TIMEOUT] = SETTING_TIME("create_timeout", 1, "10s", "how long filters may need to get ready"),
    [SETTING_STUCK_TIMEOUT] = {.name = "stuck_timeout",
                               .type = FIELD_TEXT,
                               .fallback = "10s",
                               .summary = "how long a filter may block a worker, or off"},
    [SETTING_PROBATION] = SETTING_TIME("probation", 0, "10m", "how long a library may be rolled back for crashing"),
    [SETTING_DRAIN_TIMEOUT] = {.name = "drain_timeout",
                               .type = FIELD_NODE,
                               .summary = "how long requests, and tunnels, may go on after a reload"},
    [SETTING_MAX_GENERATIONS] = {.name = "max_generations",
                                 .type = FIELD_INTEGER,
                                 .fallback = "3",
                                 .minimum = 1,
                                 .maximum = 100,
                                 .summary = "how many old ones may have requests left before a reload waits"},
    [SETTING_SHUTDOWN_TIMEOUT] = SETTING_TIME("shutdown_timeout", 0, "30s", "how long stopping may take"),
    [SETTING_SHUTDOWN_DELAY] = SETTING_TIME("shutdown_delay", 0, "0s", "how long it goes on before it stops"),
    [SETTING_ARENA] = {.name = "arena",
                       .type = FIELD_SIZE,
                       .fallback = "4KB",
                       .minimum = 0,
                       .maximum = 16 * MB,
                       .summary = "what an exchange has ready"},
    [SETTING_WATCH] = {.name = "watch",
                       .type = FIELD_CHOICE,
                       .choices = watch_modes,
                       .fallback = "libraries",
                       .summary = "which files cause a reload when they change"},
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

static bool read_stuck_timeout(struct settings_reader *reader, const struct field_value *value)
{
    int64_t *timeout_ms = &reader->settings->stuck_timeout_ms;
    *timeout_ms = 0;
    return slice_equals(value->text, SLICE("off")) ||
           (units_parse_duration_ms(value->text, timeout_ms) && *timeout_ms >= LEAST_STUCK_MS &&
            *timeout_ms <= DAY_MS) ||
           error_set_at(reader->error, value->place,
                        "'stuck_timeout' must be 'off' or a duration from 200ms to 1d, not '%s'",
                        wording_quote(reader->arena, value->text));
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
    settings->create_timeout_ms = values[SETTING_CREATE_TIMEOUT].integer;
    settings->probation_ms = values[SETTING_PROBATION].integer;
    settings->max_generations = values[SETTING_MAX_GENERATIONS].integer;
    settings->shutdown_timeout_ms = values[SETTING_SHUTDOWN_TIMEOUT].integer;
    settings->shutdown_delay_ms = values[SETTING_SHUTDOWN_DELAY].integer;
}

/* Names come first, whatever the order in the file: routes refer to them. So do listeners to trusted proxies. */
static bool read_settings(struct settings_reader *reader, const struct node *root)
{
    struct settings *settings = reader->settings;
    struct field_value values[SETTING_FIELDS];
    settings->root = root;
    if (!fields_read(fields, SETTING_FIELDS, root, root == NULL ? PLACE_NONE : root->place, "the configuration",
                     reader->source, reader->arena, values, reader->error))
        return false;
    take_limits(settings, values);
    settings->watch = (enum watch_mode)values[SETTING_WATCH].integer;
    settings->acme_challenges = values[SETTING_ACME_CHALLENGES].path;
    settings->trusted_proxies = values[SETTING_TRUSTED_PROXIES].ranges;
    settings->trusted_proxy_count = values[SETTING_TRUSTED_PROXIES].count;
    return listeners_read(reader, &values[SETTING_LISTEN]) && admin_read(reader, &values[SETTING_ADMIN]) &&
           read_workers(reader, &values[SETTING_WORKERS]) && read_arena(reader, &values[SETTING_ARENA]) &&
           read_stuck_timeout(reader, &values[SETTING_STUCK_TIMEOUT]) && read_user(reader, &values[SETTING_USER]) &&
           drain_read(reader, values[SETTING_DRAIN_TIMEOUT].node) &&
           access_log_read(reader, values[SETTING_ACCESS_LOG].node) &&
           read_library_path(reader, &values[SETTING_LIBRARY_PATH]) &&
           libraries_read(reader, &values[SETTING_LIBRARIES]) && upstreams_read(reader, &values[SETTING_UPSTREAMS]) &&
           resolver_read(reader, &values[SETTING_RESOLVER]) && pool_read(reader, &values[SETTING_POOL]) &&
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

static void set_file(struct settings_reader *reader, const char *path, enum settings_style style)
{
    reader->settings->style = style;
    reader->settings->path = arena_copy(reader->arena, slice_from_text(path)).data;
    set_folder(reader, path);
}

static bool load_ini(struct settings_reader *reader, const char *path)
{
    set_file(reader, path, SETTINGS_INI);
    return ini_read(reader, path) && read_settings(reader, NULL);
}

/* A file that somebody has emptied by accident must not take everything out of service. */
static bool check_content(struct settings_reader *reader, const struct node *root)
{
    return root->kind != NODE_MAPPING || root->count != 0 ||
           error_set_at(reader->error, root->place, "there is nothing here (write 'routes: []' to serve nothing)");
}

static bool load_yaml(struct settings_reader *reader, const char *path)
{
    set_file(reader, path, SETTINGS_YAML);
    const struct node *root = node_load(reader->source, path, reader->arena, reader->error);
    return root != NULL && check_content(reader, root) && read_settings(reader, root);
}

static void make_settings(struct settings_reader *reader, struct source *source, struct error *error)
{
    struct owned_settings *owned = mem_zalloc(sizeof(*owned));
    arena_init(&owned->arena, 0);
    *reader = (struct settings_reader){
        .settings = &owned->settings, .source = source, .arena = &owned->arena, .error = error};
}

static struct settings *keep_if(bool is_read, const struct settings_reader *reader)
{
    if (is_read) {
        reader->settings->upstream_names = reader->upstreams;
        return reader->settings;
    }
    settings_destroy(reader->settings);
    return NULL;
}

struct settings *settings_load(struct source *source, const char *path, struct error *error)
{
    struct settings_reader reader;
    make_settings(&reader, source, error);
    bool is_ini = slice_ends_with(slice_from_text(path), SLICE(".ini"));
    return keep_if(is_ini ? load_ini(&reader, path) : load_yaml(&reader, path), &reader);
}

struct settings *settings_build(struct source *source, const struct node *root, const char *path, struct error *error)
{
    struct settings_reader reader;
    make_settings(&reader, source, error);
    set_file(&reader, path, SETTINGS_YAML);
    return keep_if(read_settings(&reader, root), &reader);
}

void settings_destroy(struct settings *settings)
{
    if (settings == NULL)
        return;
    struct owned_settings *owned = (struct owned_settings *)settings;
    arena_finish(&owned->arena);
    free(owned);
}

const struct upstream_settings *settings_find_upstream(const struct settings *settings, struct slice name)
{
    return name_index_find(&settings->upstream_names, name);
}

struct slice settings_library_name(const struct step_settings *step)
{
    struct slice name = step->library;
    if (!step->library_is_path)
        return name;
    while (slice_find(name, '/') != name.length)
        name = slice_skip(name, slice_find(name, '/') + 1);
    if (slice_ends_with(name, SLICE(".so")))
        name.length -= strlen(".so");
    return name;
}
