#ifndef FLEXILIB_FILTER_OPTION_NODE_H
#define FLEXILIB_FILTER_OPTION_NODE_H

/* A piece of YAML as filters see it. */

#include "config/node.h"
#include "flexilib/filter.h"

/* Copies the tree into the arena, but for its texts; what anchors repeat stands in each place by itself. */
const struct flexilib_node *option_node_build(const struct node *node, struct arena *arena);

#endif
