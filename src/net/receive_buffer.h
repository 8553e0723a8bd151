#ifndef FLEXILIB_NET_RECEIVE_BUFFER_H
#define FLEXILIB_NET_RECEIVE_BUFFER_H

/* The memory that responses are received into: one bounded buffer per request, small to begin with and large for large
 * bodies, recycled within the worker. */

#include <stddef.h>

enum {
    RECEIVE_TINY_BYTES = 4 * 1024, /* for many on one connection that waits */
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
    struct receive_buffer *tiny, *small, *large;
    size_t tiny_count, small_count, large_count;
};

/* The capacity of the buffer that one gets who wants so many bytes: that much, or the largest there is. */
size_t receive_buffer_capacity(size_t wanted_bytes);

struct receive_buffer *receive_buffer_take(struct receive_buffers *buffers, size_t wanted_bytes);

/* Gives a buffer back. NULL is fine. */
void receive_buffer_give(struct receive_buffers *buffers, struct receive_buffer *buffer);

/* Frees what waits. */
void receive_buffers_finish(struct receive_buffers *buffers);

#endif
