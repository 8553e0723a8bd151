#ifndef FLEXILIB_CONFIG_PATTERN_H
#define FLEXILIB_CONFIG_PATTERN_H

/* Patterns as routes write them: =exact, raw* prefixes, *.suffixes of hosts, segments of paths, absent headers. */

#include "config/settings.h"

/* Where patterns live, and where the first thing wrong is told. */
struct pattern_reader {
    struct arena *arena;
    struct error *error;
};

/* Each reads one scalar. Returns false and fills error. */
bool pattern_read_path(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);
bool pattern_read_host(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);
bool pattern_read_header(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);
bool pattern_read_method(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);
bool pattern_read_listener(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);

/* Checks a path that is written in the canonical spelling; what names it in messages. */
bool pattern_check_path(const struct pattern_reader *reader, struct place place, const char *what, struct slice path,
                        bool is_incomplete);

/* Whether the text is a token (RFC 9110 section 5.6.2), as names of headers and methods are. */
bool pattern_is_token(struct slice text);

#endif
