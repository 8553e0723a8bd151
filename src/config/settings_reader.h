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
};

/* settings_listen.c. value.node may be absent: then ADDRESS and PORT tell where. */
bool listeners_read(struct settings_reader *reader, const struct field_value *value);

/* settings_environment.c: what variables say where the file is silent. */
bool environment_listener(struct settings_reader *reader, struct listener_settings *listener);
bool environment_workers(struct settings_reader *reader);
bool environment_arena(struct settings_reader *reader);

/* Reads `auto` or a number of workers. */
bool workers_parse(struct slice text, uint32_t *workers);

/* settings_library.c */
bool libraries_read(struct settings_reader *reader, const struct field_value *value);

/* settings_upstream.c. upstream_find gives the upstream that a route names, or adds one for a URL. */
bool upstreams_read(struct settings_reader *reader, const struct field_value *value);
const struct upstream_settings *upstream_find(struct settings_reader *reader, const struct node *node);

/* settings_upstream_tls.c. Reads the mapping `tls`, NULL where there is none, once the upstream's servers are read. */
bool upstream_tls_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream);

/* settings_resolver.c */
bool resolver_read(struct settings_reader *reader, const struct field_value *value);

/* settings_step.c. key is what the filters stand under; what is "a filter" or "a handler". */
bool step_read(struct settings_reader *reader, const struct node *node, const char *what, struct step_settings *step);
bool steps_read(struct settings_reader *reader, const struct node *node, const struct step_settings **steps,
                size_t *count);

/* Says which library, and which filter of it, a written name or path stands for; the file need not exist. */
void step_resolve(struct settings_reader *reader, const struct node *node, struct slice written,
                  struct step_settings *step);

/* settings_match.c */
bool match_read(struct settings_reader *reader, const struct node *node, struct match_settings *match);

/* settings_target_*.c: what a route leads to. */
bool redirect_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);
bool respond_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);
bool files_read(struct settings_reader *reader, const struct node *node, struct route_settings *route);

/* settings_route.c */
bool routes_read(struct settings_reader *reader, const struct field_value *value);

/* settings_check.c. Whether the key's value has that kind, which `wanted` names. */
bool value_check_kind(struct settings_reader *reader, const struct node *node, const char *key, enum node_kind kind,
                      const char *wanted);

/* Whether text may be the name of a listener, a library or an upstream: letters, digits, "-" and "_", and "." where
 * dots are fine. */
bool name_check(struct settings_reader *reader, const struct node *node, const char *what, bool allows_dots);

#endif
