#ifndef FLEXILIB_PROXY_RECEIVE_BUFFER_H
#define FLEXILIB_PROXY_RECEIVE_BUFFER_H

/* The memory that responses are received into: one bounded buffer per request, small to begin with and large for large
 * bodies, recycled within the worker. */

#include <stdbool.h>
#include <stddef.h>

enum {
    RECEIVE_SMALL_BYTES = 16 * 1024,
    /* just below where malloc would ask the kernel each time */
    RECEIVE_LARGE_BYTES = 128 * 1024 - 256,
};

struct receive_buffer {
    struct receive_buffer *next;
    size_t capacity;
    char data[];
};

/* Buffers that wait for their next use; zero bytes at first. */
struct receive_buffers {
    struct receive_buffer *small, *large;
    size_t small_count, large_count;
};

struct receive_buffer *receive_buffer_take(struct receive_buffers *buffers, bool is_large);

/* Gives a buffer back. NULL is fine. */
void receive_buffer_give(struct receive_buffers *buffers, struct receive_buffer *buffer);

/* Frees what waits. */
void receive_buffers_finish(struct receive_buffers *buffers);

#endif
