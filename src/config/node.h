#ifndef FLEXILIB_CONFIG_NODE_H
#define FLEXILIB_CONFIG_NODE_H

/* A YAML document as a tree in which every node knows its file, line and column. Environment variables are put in and
 * includes are followed while it is built; anchors are resolved, so that a node may stand in several places of the
 * tree. Duplicate keys are refused there too. How large and how deep a tree may grow is limited. */

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
    /* Scalars: the text, free of NUL bytes and with one behind it, and whether it stood in quotes or in a block. A
     * plain scalar written as nothing, "~" or "null" is null; one that a variable left empty is an empty text. */
    struct slice text;
    bool is_quoted;
    bool is_null;
    /* Sequences: items. Mappings: keys[i] (a scalar) belongs to items[i], in the file's order. */
    struct node **items;
    struct node **keys;
    size_t count;
};

/* Reads the file and what it includes. path may be relative to the current folder; messages use it as it is given. The
 * tree lives in the arena, which must outlive it, and its places hold slices of the source's content. The result is a
 * mapping; an empty file gives an empty one. Returns NULL and fills error. */
const struct node *node_load(struct source *source, const char *path, struct arena *arena, struct error *error);

/* Reads one YAML text, which messages call by name, without includes; it must outlive the tree. Relative paths in it
 * are so to the current folder. The result may be of any kind; a text without content gives an empty mapping. Returns
 * NULL and fills error. */
const struct node *node_parse(struct source *source, const char *name, struct slice text, struct arena *arena,
                              struct error *error);

/* The value of a mapping's key, or NULL. */
const struct node *node_find(const struct node *mapping, const char *key);

/* "a text", "a list", "a mapping", "nothing": for messages. */
const char *node_kind_phrase(const struct node *node);

/* The absolute form of a path written in this node, relative to the folder of the node's file. In the arena. */
const char *node_path(const struct node *node, struct slice path, struct arena *arena);

#endif
