#ifndef FLEXILIB_CONFIG_NAME_INDEX_H
#define FLEXILIB_CONFIG_NAME_INDEX_H

/* A table from names to whatever carries them, for finding duplicates and definitions in configurations of any size.
 * Names and table live in an arena; nothing is ever removed. */

#include "base/arena.h"

struct name_index_entry;

struct name_index {
    struct name_index_entry *entries;
    size_t count;
    size_t capacity;
};

/* What carries the name, or NULL. */
const void *name_index_find(const struct name_index *index, struct slice name);

/* Adds a name that is not there yet; value is not NULL. Returns NULL, or what carries the name already, and then adds
 * nothing. The name is not copied. */
const void *name_index_add(struct name_index *index, struct arena *arena, struct slice name, const void *value);

#endif
