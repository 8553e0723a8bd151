#ifndef FLEXILIB_FILTER_ISOLATED_LIBRARY_H
#define FLEXILIB_FILTER_ISOLATED_LIBRARY_H

/* What a runner tells of the library that it has opened, so that a worker can check options and find filters without
 * ever loading it: names, tables of options, and which hooks there are. */

#include "base/text.h"
#include "filter/library_entry.h"

struct library;

/* Returns false and fills error where these filters cannot run in a process of their own: who owns what its successor
 * needs has to be in the process that is asked to give it up. */
bool isolated_library_check(const struct flexilib_filter *filters, size_t count, const char *path, struct error *error)
    __attribute__((warn_unused_result));

/* Adds what there is to say. */
void isolated_library_describe(const struct library *library, struct text *out);

/* Reads it into an entry whose hooks are none that could be called: they are NULL, or not. Everything is copied into
 * the arena, and checked as what a library itself exports. Returns false and fills error. */
bool isolated_library_read(struct slice description, const char *path, struct arena *arena, struct library_entry *entry,
                           bool *is_original, struct error *error);

#endif
