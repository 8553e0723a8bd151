#ifndef FLEXILIB_FILTER_ATTRIBUTES_H
#define FLEXILIB_FILTER_ATTRIBUTES_H

/* Named values of one exchange, which its filters set for those that come later, for templates and for the log. Few:
 * they are looked for one after another. All bytes that are ever set count for the bound, since texts that were given
 * out stay where they are. */

#include "base/arena.h"

enum {
    ATTRIBUTES_MOST = 64,
    ATTRIBUTES_LARGEST_VALUE_BYTES = 16 * 1024,
    ATTRIBUTES_MOST_BYTES = 256 * 1024,
};

struct attribute {
    struct slice name;
    struct slice value;
};

struct attributes {
    struct attribute *items;
    size_t count;
    size_t capacity;
    size_t bytes;
};

/* Adds an attribute, or gives one of that name another value; both are copied into the arena. Returns NULL; or why not,
 * as a sentence's end, with nothing changed. */
const char *attributes_set(struct attributes *attributes, struct arena *arena, struct slice name, struct slice value);

/* The attribute of that name, or NULL. */
const struct attribute *attributes_find(const struct attributes *attributes, struct slice name);

#endif
