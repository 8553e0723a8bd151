#ifndef FLEXILIB_CONFIG_NODE_H
#define FLEXILIB_CONFIG_NODE_H

/* A YAML document as a tree in which every node knows its file, line and column. Environment variables are put in and
 * includes are followed while it is built; anchors are resolved. Duplicate keys are refused there too. */

#include "base/arena.h"
#include "base/error.h"
#include "config/source.h"

enum node_kind {
    NODE_SCALAR = 1,
    NODE_SEQUENCE,
    NODE_MAPPING,
};

struct node {
    enum node_kind kind;
    struct place place;
    /* The absolute path of the file it stands in: paths written in it are relative to that file's folder. */
    const char *file;
    /* Scalars: the text, and whether it stood in quotes or in a block. A plain empty scalar, "~" or "null" is null. */
    struct slice text;
    bool is_quoted;
    bool is_null;
    /* Sequences: items. Mappings: keys[i] belongs to items[i], in the file's order. */
    struct node **items;
    struct node **keys;
    size_t count;
};

/* Reads the file and what it includes. path may be relative to the current folder; messages use it as it is given. The
 * tree lives in the arena, which must outlive it, and holds slices of the source's content. An empty file gives an
 * empty mapping. Returns NULL and fills error. */
const struct node *node_load(struct source *source, const char *path, struct arena *arena, struct error *error);

/* The value of a mapping's key, or NULL. */
const struct node *node_find(const struct node *mapping, const char *key);

/* "a text", "a list", "a mapping": for messages. */
const char *node_kind_phrase(const struct node *node);

#endif
