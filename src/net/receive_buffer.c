#include "net/receive_buffer.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    MOST_TINY_WAITING = 256,
    MOST_SMALL_WAITING = 256,
    MOST_LARGE_WAITING = 16,
};

static struct receive_buffer *pop_buffer(struct receive_buffer **list, size_t *count)
{
    struct receive_buffer *buffer = *list;
    if (buffer != NULL) {
        *list = buffer->next;
        --*count;
    }
    return buffer;
}

static void push_buffer(struct receive_buffer **list, size_t *count, size_t most, struct receive_buffer *buffer)
{
    if (*count == most) {
        free(buffer);
        return;
    }
    buffer->next = *list;
    *list = buffer;
    ++*count;
}

size_t receive_buffer_capacity(size_t wanted_bytes)
{
    if (wanted_bytes <= RECEIVE_TINY_BYTES)
        return RECEIVE_TINY_BYTES;
    return wanted_bytes <= RECEIVE_SMALL_BYTES ? RECEIVE_SMALL_BYTES : RECEIVE_LARGE_BYTES;
}

static struct receive_buffer *pop_waiting(struct receive_buffers *buffers, size_t capacity)
{
    switch (capacity) {
    case RECEIVE_TINY_BYTES:
        return pop_buffer(&buffers->tiny, &buffers->tiny_count);
    case RECEIVE_SMALL_BYTES:
        return pop_buffer(&buffers->small, &buffers->small_count);
    default:
        return pop_buffer(&buffers->large, &buffers->large_count);
    }
}

struct receive_buffer *receive_buffer_take(struct receive_buffers *buffers, size_t wanted_bytes)
{
    size_t capacity = receive_buffer_capacity(wanted_bytes);
    struct receive_buffer *buffer = pop_waiting(buffers, capacity);
    if (buffer == NULL) {
        buffer = mem_alloc(sizeof(*buffer) + capacity);
        buffer->capacity = capacity;
    }
    return buffer;
}

void receive_buffer_give(struct receive_buffers *buffers, struct receive_buffer *buffer)
{
    if (buffer == NULL)
        return;
    if (buffer->capacity == RECEIVE_TINY_BYTES)
        push_buffer(&buffers->tiny, &buffers->tiny_count, MOST_TINY_WAITING, buffer);
    else if (buffer->capacity == RECEIVE_LARGE_BYTES)
        push_buffer(&buffers->large, &buffers->large_count, MOST_LARGE_WAITING, buffer);
    else
        push_buffer(&buffers->small, &buffers->small_count, MOST_SMALL_WAITING, buffer);
}

void receive_buffers_finish(struct receive_buffers *buffers)
{
    struct receive_buffer *buffer;
    while ((buffer = pop_buffer(&buffers->tiny, &buffers->tiny_count)) != NULL)
        free(buffer);
    while ((buffer = pop_buffer(&buffers->small, &buffers->small_count)) != NULL)
        free(buffer);
    while ((buffer = pop_buffer(&buffers->large, &buffers->large_count)) != NULL)
        free(buffer);
}
