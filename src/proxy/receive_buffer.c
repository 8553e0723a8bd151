#include "proxy/receive_buffer.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
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

struct receive_buffer *receive_buffer_take(struct receive_buffers *buffers, bool is_large)
{
    struct receive_buffer *buffer = is_large ? pop_buffer(&buffers->large, &buffers->large_count)
                                             : pop_buffer(&buffers->small, &buffers->small_count);
    if (buffer == NULL) {
        size_t capacity = is_large ? RECEIVE_LARGE_BYTES : RECEIVE_SMALL_BYTES;
        buffer = mem_alloc(sizeof(*buffer) + capacity);
        buffer->capacity = capacity;
    }
    return buffer;
}

void receive_buffer_give(struct receive_buffers *buffers, struct receive_buffer *buffer)
{
    if (buffer == NULL)
        return;
    if (buffer->capacity == RECEIVE_LARGE_BYTES)
        push_buffer(&buffers->large, &buffers->large_count, MOST_LARGE_WAITING, buffer);
    else
        push_buffer(&buffers->small, &buffers->small_count, MOST_SMALL_WAITING, buffer);
}

void receive_buffers_finish(struct receive_buffers *buffers)
{
    struct receive_buffer *buffer;
    while ((buffer = pop_buffer(&buffers->small, &buffers->small_count)) != NULL)
        free(buffer);
    while ((buffer = pop_buffer(&buffers->large, &buffers->large_count)) != NULL)
        free(buffer);
}
