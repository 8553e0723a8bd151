#ifndef FLEXILIB_CONFIG_MERGE_H
#define FLEXILIB_CONFIG_MERGE_H

/* Puts the top-level keys of several files together into one mapping. */

#include "config/name_index.h"
#include "config/node.h"

struct merge_slot;

struct merge {
    struct arena *arena;
    struct error *error;
    struct name_index names;
    struct merge_slot **slots;
    size_t count;
    size_t capacity;
};

/* Adds a key. Returns false and fills error where it stands there already and cannot be joined. */
bool merge_add(struct merge *merge, struct node *key, struct node *value);

/* Turns root into the mapping of all that was added. */
void merge_finish(const struct merge *merge, struct node *root);

/* The place of the earlier one of two, as messages name it: "line 3" of the same file, or "FILE:3". */
const char *merge_first_place(struct arena *arena, struct place first, struct place second);

#endif
