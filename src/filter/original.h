#ifndef FLEXILIB_FILTER_ORIGINAL_H
#define FLEXILIB_FILTER_ORIGINAL_H

/* Libraries of the original FlexiLib (flexilib/original.h) in the shape of today's: each has one filter, a handler that
 * leaves every request to a thread of the pool. The request is copied for it, so that the client may leave, or be
 * answered 504, while the library is still at work. */

#include "base/arena.h"
#include "filter/library_entry.h"
#include "flexilib/original.h"

/* What such a library exports. */
struct original {
    struct flexilib_original_response *(*handle_request)(struct flexilib_original_request *request);
    void (*request_deinit)(void);                                     /* NULL: it has none */
    void (*zig_init)(const struct flexilib_zig_allocator *allocator); /* likewise */
};

/* Fills in what the dlopened library exports; false where it is none of the original's. */
bool original_find(void *handle, struct original *original);

/* Makes the entry that such a library would have; path is where it was found. Lives in the arena. */
void original_make_entry(const char *path, struct arena *arena, struct library_entry *entry);

#endif
