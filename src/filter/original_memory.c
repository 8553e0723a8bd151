#include "filter/original_memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_SMALL_BYTES = 4096,
    SMALL_ALIGNMENT_BITS = 4,
    MOST_ALIGNMENT_BITS = 30,
    /* Behind all that a library allocates there are zeros: a response of an early version is shorter than today's, and
     * what it lacks has to read as such. */
    ZEROS = sizeof(struct flexilib_original_response) - offsetof(struct flexilib_original_response, status),
};

/* More than any machine has, and far from where sums overflow. */
static const size_t largest_bytes = (size_t)1 << 39;

struct original_block {
    struct original_block *next;
};

/* The library chooses the size, so memory may be missing; what it does not touch takes none. */
static void *allocate_block(struct original_memory *memory, size_t size, size_t alignment)
{
    struct original_block *block = calloc(1, sizeof(*block) + alignment + size);
    if (block == NULL)
        return NULL;
    block->next = memory->blocks;
    memory->blocks = block;
    char *start = (char *)(block + 1);
    return start + (-(uintptr_t)start & (alignment - 1));
}

static void *zig_alloc(void *context, size_t length, size_t alignment, uintptr_t return_address)
{
    struct original_memory *memory = context;
    unsigned alignment_bits = alignment & 0xff;
    if (length > largest_bytes || alignment_bits > MOST_ALIGNMENT_BITS)
        return NULL;
    if (length <= LARGEST_SMALL_BYTES && alignment_bits <= SMALL_ALIGNMENT_BITS)
        return arena_zalloc(&memory->arena, length + ZEROS);
    if (alignment_bits < SMALL_ALIGNMENT_BITS)
        alignment_bits = SMALL_ALIGNMENT_BITS;
    return allocate_block(memory, length + ZEROS, (size_t)1 << alignment_bits);
}

static bool zig_resize(void *context, void *data, size_t length, size_t alignment, size_t new_length,
                       uintptr_t return_address)
{
    return new_length <= length;
}

static void zig_free(void *context, void *data, size_t length, size_t alignment, uintptr_t return_address)
{
}

static const struct flexilib_zig_allocator_calls zig_calls = {
    .alloc = zig_alloc,
    .resize = zig_resize,
    .free = zig_free,
};

void original_memory_init(struct original_memory *memory)
{
    *memory = (struct original_memory){.allocator = {.context = memory, .calls = &zig_calls}};
    arena_init(&memory->arena, 0);
}

void original_memory_finish(struct original_memory *memory)
{
    arena_finish(&memory->arena);
    while (memory->blocks != NULL) {
        struct original_block *block = memory->blocks;
        memory->blocks = block->next;
        free(block);
    }
}

char *original_memory_copy(struct original_memory *memory, const char *data, size_t length)
{
    return (char *)(uintptr_t)arena_copy(&memory->arena, slice_of(data, length)).data;
}
