#ifndef FLEXILIB_FRONT_HTTP2_MEMORY_H
#define FLEXILIB_FRONT_HTTP2_MEMORY_H

/* The memory of libnghttp2's sessions. What a session takes while it is created it keeps as long as it lives, and more
 * than half of that is the buffer for a frame of the largest size, of which only the first bytes are used most often.
 * So it comes from a region of whole pages, where what is never touched costs nothing. Malloc would give it what the
 * handshake before has used. */

#include <stdbool.h>
#include <stddef.h>

union http2_region;

/* Regions that wait for their next use; zero bytes at first. */
struct http2_regions {
    union http2_region *first;
    size_t count;
};

/* Of one session. */
struct http2_memory {
    union http2_region *region; /* NULL: there is none, and all comes from malloc */
    size_t used_bytes;
    bool is_sealed; /* the region gives no more */
};

/* Begins with a region, from which blocks come until it is sealed or full; all others come from malloc. */
void http2_memory_begin(struct http2_memory *memory, struct http2_regions *regions);
void http2_memory_seal(struct http2_memory *memory);

/* Gives the region back, once the session is gone. */
void http2_memory_finish(struct http2_memory *memory, struct http2_regions *regions);

/* As malloc and its kin. data is the session's struct http2_memory. */
void *http2_memory_malloc(size_t size, void *data);
void *http2_memory_calloc(size_t count, size_t size, void *data);
void *http2_memory_realloc(void *block, size_t size, void *data);
void http2_memory_free(void *block, void *data);

/* Frees what waits. */
void http2_regions_finish(struct http2_regions *regions);

#endif
