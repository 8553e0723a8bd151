#include "front/http2_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    REGION_BYTES = 28 * 1024, /* whole pages: what a session of libnghttp2 takes, and hardly more */
    ALIGNMENT = 16,
    MOST_WAITING = 64,
};

union http2_region {
    union http2_region *next; /* while it waits */
    char bytes[REGION_BYTES];
};

/* Stands before each block that a region has given. */
struct block {
    _Alignas(ALIGNMENT) size_t size;
};

static union http2_region *map_region(void)
{
    void *memory = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* regions lie side by side, and huge pages would be touched as a whole */
    madvise(memory, REGION_BYTES, MADV_NOHUGEPAGE);
    return memory;
}

void http2_memory_begin(struct http2_memory *memory, struct http2_regions *regions)
{
    *memory = (struct http2_memory){.region = regions->first};
    if (memory->region == NULL) {
        memory->region = map_region();
        return;
    }
    regions->first = memory->region->next;
    --regions->count;
}

void http2_memory_seal(struct http2_memory *memory)
{
    memory->is_sealed = true;
}

void http2_memory_finish(struct http2_memory *memory, struct http2_regions *regions)
{
    union http2_region *region = memory->region;
    memory->region = NULL;
    /* it stays where a gap would make one mapping too many */
    if (region == NULL || (regions->count >= MOST_WAITING && munmap(region, REGION_BYTES) == 0))
        return;
    region->next = regions->first;
    regions->first = region;
    ++regions->count;
}

static void *take_block(struct http2_memory *memory, size_t size)
{
    if (memory->region == NULL || memory->is_sealed || size >= REGION_BYTES)
        return NULL;
    size_t whole_bytes = sizeof(struct block) + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (whole_bytes > REGION_BYTES - memory->used_bytes)
        return NULL;
    struct block *block = (struct block *)(memory->region->bytes + memory->used_bytes);
    memory->used_bytes += whole_bytes;
    block->size = size;
    return block + 1;
}

static bool is_of_region(const struct http2_memory *memory, const void *pointer)
{
    const char *byte = pointer;
    return memory->region != NULL && byte >= memory->region->bytes && byte < memory->region->bytes + REGION_BYTES;
}

void *http2_memory_malloc(size_t size, void *data)
{
    void *taken = take_block(data, size);
    return taken != NULL ? taken : malloc(size);
}

void *http2_memory_calloc(size_t count, size_t size, void *data)
{
    size_t bytes;
    void *taken = __builtin_mul_overflow(count, size, &bytes) ? NULL : take_block(data, bytes);
    return taken != NULL ? memset(taken, 0, bytes) : calloc(count, size);
}

void *http2_memory_realloc(void *pointer, size_t size, void *data)
{
    if (pointer == NULL)
        return http2_memory_malloc(size, data);
    if (!is_of_region(data, pointer))
        return realloc(pointer, size);
    size_t before = ((const struct block *)pointer)[-1].size;
    void *moved = malloc(size);
    if (moved != NULL)
        memcpy(moved, pointer, before < size ? before : size);
    return moved;
}

void http2_memory_free(void *pointer, void *data)
{
    if (!is_of_region(data, pointer))
        free(pointer);
}

void http2_regions_finish(struct http2_regions *regions)
{
    while (regions->first != NULL) {
        union http2_region *region = regions->first;
        regions->first = region->next;
        munmap(region, REGION_BYTES);
    }
    regions->count = 0;
}
