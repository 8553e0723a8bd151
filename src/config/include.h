#ifndef FLEXILIB_CONFIG_INCLUDE_H
#define FLEXILIB_CONFIG_INCLUDE_H

/* Reads a configuration file together with the files it includes. At the top level `include` brings in other files'
 * keys, as if they stood in its place: lists are joined, libraries and upstreams are put together, anything else that
 * stands twice is refused. In a list of routes, however deep, an item `include` is replaced by the routes of other
 * files, each of which holds a list. */

#include "config/node.h"

struct include {
    struct source *source;
    struct arena *arena;
    struct error *error;
    size_t node_count;
    size_t route_count;
    size_t file_count;
};

/* The top-level mapping, with every include followed. NULL, with error filled, where something is wrong. */
const struct node *include_load(struct include *include, const char *path);

#endif
