#ifndef FLEXILIB_FILTER_ORIGINAL_MEMORY_H
#define FLEXILIB_FILTER_ORIGINAL_MEMORY_H

/* The memory of one request to a library of the original: what the request is copied to, what the library allocates by
 * its allocator, and what of its response is kept. Freed as a whole. One thread at a time. */

#include "base/arena.h"
#include "flexilib/original.h"

struct original_memory {
    struct arena arena;
    struct original_block *blocks; /* what is too large for the arena */
    struct flexilib_zig_allocator allocator;
};

/* The memory must stay where it is. */
void original_memory_init(struct original_memory *memory);
void original_memory_finish(struct original_memory *memory);

/* A copy with a NUL behind it. */
char *original_memory_copy(struct original_memory *memory, const char *data, size_t length);

#endif
