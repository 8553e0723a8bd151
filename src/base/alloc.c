#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die_without_memory(void)
{
    static const char line[] = "alert: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)ignored;
    abort();
}

void *mem_alloc(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL)
        die_without_memory();
    return memory;
}

void *mem_zalloc(size_t size)
{
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL)
        die_without_memory();
    return memory;
}

void *mem_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size == 0 ? 1 : size);
    if (moved == NULL)
        die_without_memory();
    return moved;
}

char *mem_copy_text(const char *data, size_t length)
{
    char *copy = mem_alloc(length + 1);
    if (length != 0)
        memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

void *mem_try_realloc(void *memory, size_t size)
{
    return realloc(memory, size == 0 ? 1 : size);
}

void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return items;
    size_t grown = *capacity < 4 ? 4 : *capacity * 2;
    if (grown > SIZE_MAX / item_size)
        die_without_memory();
    items = mem_realloc(items, grown * item_size);
    *capacity = grown;
    return items;
}
