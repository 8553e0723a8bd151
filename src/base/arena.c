#include "base/arena.h"

#include "base/alloc.h"
#include "base/poison.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_BLOCK_BYTES = 512, /* there may be thousands of arenas that hold next to nothing */
    USUAL_BLOCK_BYTES = 4096,
};

struct arena_block {
    struct arena_block *next;
    size_t capacity;
    size_t used;
    alignas(max_align_t) char data[];
};

static struct arena_block *create_block(size_t capacity)
{
    struct arena_block *block = mem_alloc(sizeof(*block) + capacity);
    block->next = NULL;
    block->capacity = capacity;
    block->used = 0;
    poison(block->data, capacity);
    return block;
}

static void destroy_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        unpoison(block->data, block->capacity);
        free(block);
        block = next;
    }
}

void arena_init(struct arena *arena, size_t ready_bytes)
{
    *arena = (struct arena){.ready_bytes = ready_bytes};
    if (ready_bytes != 0)
        arena->first = arena->current = create_block(ready_bytes);
}

void arena_finish(struct arena *arena)
{
    destroy_blocks(arena->first);
    *arena = (struct arena){0};
}

void arena_clear(struct arena *arena)
{
    arena->taken_bytes = 0;
    if (arena->ready_bytes == 0) {
        destroy_blocks(arena->first);
        arena->first = arena->current = NULL;
        return;
    }
    destroy_blocks(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    poison(arena->first->data, arena->first->capacity);
    arena->current = arena->first;
}

/* Each block is larger than the one before, up to the usual size. */
static size_t choose_capacity(const struct arena_block *previous, size_t needed)
{
    size_t capacity = previous == NULL ? FIRST_BLOCK_BYTES : previous->capacity * 2;
    if (capacity > USUAL_BLOCK_BYTES)
        capacity = USUAL_BLOCK_BYTES;
    return needed > capacity ? needed : capacity;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    size_t rounded = (size + alignment - 1) & ~(alignment - 1);
    if (rounded < size)
        abort();
    struct arena_block *block = arena->current;
    if (block == NULL || block->capacity - block->used < rounded) {
        struct arena_block *fresh = create_block(choose_capacity(block, rounded));
        if (block == NULL)
            arena->first = fresh;
        else
            block->next = fresh;
        arena->current = block = fresh;
    }
    void *memory = block->data + block->used;
    unpoison(memory, size);
    block->used += rounded;
    arena->taken_bytes += rounded;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.length + 1);
    if (text.length != 0)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return slice_of(copy, text.length);
}

struct slice arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        length = 0;
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return slice_of(text, (size_t)length);
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return items;
    size_t grown = *capacity < 4 ? 4 : *capacity * 2;
    void *moved = arena_alloc(arena, grown * item_size);
    if (count != 0)
        memcpy(moved, items, count * item_size);
    *capacity = grown;
    return moved;
}
