#ifndef FLEXILIB_FILTER_LIBRARY_ENTRY_H
#define FLEXILIB_FILTER_LIBRARY_ENTRY_H

/* What a library says about itself, checked before anything of it is called, and brought into the shape of today's
 * contract: a library of an older minor has smaller structs, which become whole ones with the rest zero. */

#include "base/arena.h"
#include "base/error.h"
#include "flexilib/filter.h"

struct library_entry {
    const struct flexilib_filter *filters; /* filter_count items, in the arena */
    size_t filter_count;
    size_t value_size;         /* the library's own step from one value to the next */
    uint16_t abi_minor;        /* that it needs at least */
    bool wants_whole_requests; /* it knows nothing of request bodies that come in pieces */
};

/* Checks what the library at path exports. The result lives in the arena and refers to the library's own texts. Returns
 * false and fills error with what was found and what is needed. */
bool library_entry_read(const struct flexilib_library *exported, const char *path, struct arena *arena,
                        struct library_entry *entry, struct error *error);

/* For its parts. Copies count items of `size` bytes each into items of own_size bytes, the rest of which is zero. */
void *library_entry_copy_items(struct arena *arena, const void *items, size_t count, size_t size, size_t own_size);

/* Likewise: whether a name is made of a-z, 0-9 and these marks, and not too long. */
bool library_entry_is_word(const char *name, const char *marks);

#endif
