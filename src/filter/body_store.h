#ifndef FLEXILIB_FILTER_BODY_STORE_H
#define FLEXILIB_FILTER_BODY_STORE_H

/* Collects a body whose pieces come one after another, for those who want all of it at once: in memory up to a limit,
 * then in a nameless file in $TMPDIR (or /tmp), which is mapped when it is read. How large a body may be is the
 * caller's to decide. */

#include "base/text.h"

enum {
    BODY_STORE_MEMORY_BYTES = 1024 * 1024,
};

/* Zero bytes are an empty one. */
struct body_store {
    char *data; /* in memory; or the whole, mapped from the file */
    size_t length, capacity;
    int fd; /* of the file, plus 1; 0: there is none */
    bool is_mapped;
};

static inline bool body_store_is_empty(const struct body_store *store)
{
    return store->length == 0;
}

/* Whether there is anything to finish. */
static inline bool body_store_is_used(const struct body_store *store)
{
    return store->data != NULL || store->fd != 0;
}

/* Keeps up to most_bytes of all in memory. Returns false where neither memory nor file has room for it, after a line in
 * the log for the latter. */
bool body_store_add(struct body_store *store, struct slice data, size_t most_bytes);

/* Everything that was added, in one piece, which lives until finish; nothing can be added any more. Returns false as
 * add does. */
bool body_store_read(struct body_store *store, struct slice *whole);

/* Frees what was collected, and leaves an empty one. */
void body_store_finish(struct body_store *store);

#endif
