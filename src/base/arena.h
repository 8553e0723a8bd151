#ifndef FLEXILIB_BASE_ARENA_H
#define FLEXILIB_BASE_ARENA_H

/* Memory that is given out piece by piece and freed as a whole. An exchange, a settings tree and a plan each own one.
 * The first block may be made ready beforehand and is kept when the arena is cleared, so that a recycled exchange asks
 * malloc for nothing. Not thread-safe. */

#include "base/slice.h"

#include <stdarg.h>

struct arena_block;

struct arena {
    struct arena_block *first;
    struct arena_block *current;
    /* What was ready before anybody asked, and what has been given out since init or the last clear, in bytes. */
    size_t ready_bytes;
    size_t taken_bytes;
};

/* Makes an arena with ready_bytes at hand; 0 is fine and allocates nothing until the first call. */
void arena_init(struct arena *arena, size_t ready_bytes);

/* Frees everything. The arena may be initialised again. */
void arena_finish(struct arena *arena);

/* Frees everything but the block that init made ready. What was given out is gone. */
void arena_clear(struct arena *arena);

/* Gives size bytes, aligned for any type, of undefined content. Aborts when memory is gone. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Gives size bytes set to zero. */
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Copies text into the arena, with a NUL behind it that is not counted in the length. */
struct slice arena_copy(struct arena *arena, struct slice text);

/* Formats into the arena, with a NUL behind the text that is not counted in the length. */
struct slice arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more item in an array that lives in the arena; see mem_grow. Old copies stay until the end. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t item_size);

#endif
