#ifndef FLEXILIB_BASE_ALLOC_H
#define FLEXILIB_BASE_ALLOC_H

/* Memory from malloc. The plain forms never return NULL: when memory is gone they write one line and abort, and the
 * supervisor starts another worker. Sizes that a peer chooses go through the try_ form, under a limit of the caller's.
 * Everything is freed with free(). */

#include <stddef.h>

/* Gives size bytes of undefined content. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Gives size bytes set to zero. */
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes what mem_alloc gave, or NULL. */
void *mem_realloc(void *memory, size_t size) __attribute__((returns_nonnull));

/* Gives a NUL-terminated copy of length bytes. */
char *mem_copy_text(const char *data, size_t length) __attribute__((malloc, returns_nonnull));

/* Like mem_realloc, but returns NULL and leaves memory as it was when there is no more. */
void *mem_try_realloc(void *memory, size_t size);

/* Makes room for at least one more item in a growing array: returns items, moved if it had to grow, and updates
 * *capacity (counted in items). */
void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size) __attribute__((returns_nonnull));

#endif
