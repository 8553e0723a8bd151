#ifndef FLEXILIB_CONFIG_ANCHORS_H
#define FLEXILIB_CONFIG_ANCHORS_H

/* The anchored nodes of one YAML document. A later anchor of the same name takes an earlier one's place. */

#include "config/node.h"

struct anchor {
    struct slice name;
    struct node *node;
    size_t node_count; /* nodes in it, each counted in every place it stands */
    unsigned height;   /* how many levels it has */
    struct anchor *older;
};

struct anchors {
    struct anchor *newest;
    size_t count;
};

enum {
    ANCHORS_MAXIMUM = 1000,
};

/* Notes an anchor; the name is copied. Returns false where there are too many. */
bool anchors_add(struct anchors *anchors, struct arena *arena, struct anchor anchor);

/* The newest anchor of that name, or NULL. */
const struct anchor *anchors_find(const struct anchors *anchors, struct slice name);

#endif
