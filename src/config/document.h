#ifndef FLEXILIB_CONFIG_DOCUMENT_H
#define FLEXILIB_CONFIG_DOCUMENT_H

/* One YAML text as a tree of nodes: libyaml's events, with variables put in and anchors resolved. Includes are somebody
 * else's (include.h). */

#include "config/node.h"

struct document {
    struct source *source;
    struct arena *arena;
    struct error *error;
    const struct source_text *text;
    const char *file; /* absolute */
    /* How many nodes there are in all files so far, each counted in every place it stands. */
    size_t *node_count;
};

/* Reads the text. Returns an empty mapping for a text without content; NULL, with error filled, where something is
 * wrong. */
struct node *document_parse(const struct document *document);

/* Makes a node at that place which nobody wrote. */
struct node *document_add_node(const struct document *document, enum node_kind kind, struct place place);

#endif
