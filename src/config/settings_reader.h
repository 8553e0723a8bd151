#ifndef FLEXILIB_CONFIG_SETTINGS_READER_H
#define FLEXILIB_CONFIG_SETTINGS_READER_H

/* What the parts of settings_*.c share while they turn a tree of nodes into settings. Each part reads one kind of thing
 * and keeps to the order of the file; names are noted in the indexes before anything refers to them. All functions
 * return false, with error filled, where something is wrong. */

#include "config/name_index.h"
#include "config/pattern.h"
#include "config/settings.h"

struct settings_reader {
    struct settings *settings;
    struct source *source;
    struct arena *arena;
    struct error *error;
    struct name_index listeners;        /* of struct listener_settings */
    struct name_index libraries;        /* of struct library_settings */
    struct name_index upstreams;        /* of struct upstream_settings, those under `upstreams:` */
    struct name_index inline_upstreams; /* likewise, those that routes name by URL */
    struct name_index route_names;      /* of struct place */
    struct upstream_settings **upstream_list;
    size_t upstream_capacity;
    struct runner_settings **runner_list;
    size_t runner_capacity;
    unsigned step_count;
};

/* settings_listen.c. value.node may be absent: then ADDRESS and PORT tell where. */
bool listeners_read(struct settings_reader *reader, const struct field_value *value);

/* Reads a listener's address from a scalar that is not empty. */
bool listener_address_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener);

/* settings_listen_tls.c. node is NULL where nothing is written, which means plain HTTP. */
bool listener_tls_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener);

/* settings_listen_socket.c. Reads `backlog`, `mode`, `owner` and `group`, in this order, once the address is known. */
bool listener_socket_read(struct settings_reader *reader, const struct field_value *values,
                          struct listener_settings *listener);

/* settings_listen_proxy.c. node may be NULL. After trusted_proxies. */
bool listener_proxy_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener);

/* settings_environment.c: what variables say where the file is silent. */
bool environment_listener(struct settings_reader *reader, struct listener_settings *listener);
bool environment_workers(struct settings_reader *reader);
bool environment_arena(struct settings_reader *reader);

/* Reads `auto` or a number of workers. */
bool workers_parse(struct slice text, uint32_t *workers);

/* settings_admin.c. After the listeners. Where nothing is written, FLEXILIB_ADMIN tells, or it is where it usually is.
 */
bool admin_read(struct settings_reader *reader, const struct field_value *value);

/* settings_drain.c. node may be NULL. */
bool drain_read(struct settings_reader *reader, const struct node *node);

/* settings_library.c */
bool libraries_read(struct settings_reader *reader, const struct field_value *value);

/* settings_runner.c. Reads what a library's `isolate` and the keys about it say, `fields` of them from the first on;
 * library->path is known. */
enum {
    RUNNER_ISOLATE = 0,
    RUNNER_INSTANCES,
    RUNNER_MEMORY,
    RUNNER_CALL_TIMEOUT,
    RUNNER_CALL_CPU_TIME,
    RUNNER_NICE,
    RUNNER_FIELDS,
};
#define SETTINGS_ISOLATE(text)                                                                                         \
    {                                                                                                                  \
        .name = "isolate", .type = FIELD_CHOICE, .fallback = "no", .choices = runner_isolations, .summary = text       \
    }
extern const char *const runner_isolations[];
bool runner_read(struct settings_reader *reader, const struct field_value values[RUNNER_FIELDS],
                 struct library_settings *library);

/* Likewise for what a step says of itself. */
void runner_read_step(struct settings_reader *reader, const struct field_value *isolate, struct step_settings *step);

/* Notes that the step's runner, if it has one, is needed. */
void runner_note_step(const struct settings_reader *reader, const struct step_settings *step);

/* settings_upstream.c. upstream_find gives the upstream that a route names, or adds one for a URL. */
bool upstreams_read(struct settings_reader *reader, const struct field_value *value);
const struct upstream_settings *upstream_find(struct settings_reader *reader, const struct node *node);

/* A row for how many there may be at a time, of a server or of a whole upstream. */
#define SETTINGS_LIMIT(key, text)                                                                                      \
    {                                                                                                                  \
        .name = key, .type = FIELD_INTEGER, .fallback = "0", .minimum = 0, .maximum = 1000000, .summary = text         \
    }

/* settings_server.c. Reads one server or a list of them. */
bool servers_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);

/* settings_upstream_*.c. Each reads one key of an upstream; node is NULL where it is not written, which gives the
 * defaults. tls is read once the upstream's servers are. */
bool upstream_tls_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_balance_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_sticky_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_health_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_eject_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_retry_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);
bool upstream_queue_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);

/* settings_status.c. Reads `502`, `500-504` or `5xx`, from least to 599; a list of them, or one, in statuses_read. key
 * is what they stand under. */
bool status_parse(struct settings_reader *reader, struct place place, struct slice text, const char *key, int least,
                  struct status_range *range);
bool statuses_read(struct settings_reader *reader, const struct node *node, const char *key, int least,
                   struct status_ranges *statuses);

/* settings_pool.c */
bool pool_read(struct settings_reader *reader, const struct field_value *value);

/* settings_resolver.c */
bool resolver_read(struct settings_reader *reader, const struct field_value *value);

/* settings_step.c. key is what the filters stand under; what is "a filter" or "a handler". */
bool step_read(struct settings_reader *reader, const struct node *node, const char *what, struct step_settings *step);
bool steps_read(struct settings_reader *reader, const struct node *node, const struct step_settings **steps,
                size_t *count);

/* Says which library, and which filter of it, a written name or path stands for; the file need not exist. */
void step_resolve(struct settings_reader *reader, const struct node *node, struct slice written,
                  struct step_settings *step);

/* Says that there is no library at the path, behind a prefix, and waits for it to appear. Returns false. */
bool step_refuse_absent(struct settings_reader *reader, struct place place, const char *prefix, struct slice path);

/* settings_match.c */
bool match_read(struct settings_reader *reader, const struct node *node, struct match_settings *match);

/* Reads one path as routes match them, or a list of them; key is what they stand under. */
bool paths_read(struct settings_reader *reader, const struct node *node, const char *key, struct pattern_list *paths);

enum {
    SETTINGS_MB = 1024 * 1024,
};

/* the largest body_limit */
#define SETTINGS_BODY_LIMIT_MOST ((int64_t)SETTINGS_MB * SETTINGS_MB)

/* settings_error_pages.c. node may be NULL: then there are none. */
bool error_pages_read(struct settings_reader *reader, const struct node *node, struct error_pages *pages);

/* settings_https_only.c. After the listeners and the trusted proxies; value.node may be absent. */
bool https_only_read(struct settings_reader *reader, const struct field_value *value);

/* settings_access_log.c */
bool access_log_read(struct settings_reader *reader, const struct node *node);

/* settings_compress.c. node may be NULL: then nothing is compressed, which NULL stands for. */
bool compress_read(struct settings_reader *reader, const struct node *node,
                   const struct compression_settings **compression);

/* settings_target_*.c: what a route leads to. */
bool proxy_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);
bool redirect_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);
bool respond_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);
bool files_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);

/* settings_route.c */
bool routes_read(struct settings_reader *reader, const struct field_value *value);

/* settings_check.c. Whether the key's value has that kind, which `wanted` names. */
bool value_check_kind(struct settings_reader *reader, const struct node *node, const char *key, enum node_kind kind,
                      const char *wanted);

/* Whether the key's value is something, be it empty. */
bool value_check_present(struct settings_reader *reader, const struct node *node, const char *key);

/* Whether the scalar is one of the words for yes and no, in quotes or not. A list or a mapping is none. */
enum switch_word {
    SWITCH_NONE = 0,
    SWITCH_OFF,
    SWITCH_ON,
};
enum switch_word value_switch(const struct node *node);

/* A mapping that holds nothing but a value, for keys that may be written as that value alone. */
struct value_alone {
    struct node mapping, key;
    struct node *keys[1], *items[1];
};
const struct node *value_wrap(struct value_alone *alone, const char *key, const struct node *value);

/* Reads a Host field's value, HOST or HOST:PORT, where key stands; host is in its usual form then. */
bool value_read_host(struct settings_reader *reader, struct place place, const char *key, struct slice text,
                     struct slice *host);

/* Whether text may be the name of a listener, a library or an upstream: letters, digits, "-" and "_", and "." where
 * dots are fine. */
bool name_check(struct settings_reader *reader, const struct node *node, const char *what, bool allows_dots);

#endif
