#ifndef FLEXILIB_FRONT_HTTP1_INPUT_H
#define FLEXILIB_FRONT_HTTP1_INPUT_H

/* What a client has sent and we have not used yet: a bounded buffer that exists only while there is something in it, so
 * that an idle connection costs none. */

#include "base/slice.h"

enum {
    HTTP1_INPUT_FIRST_BYTES = 4096,
};

struct http1_input {
    char *data; /* NULL, or capacity bytes of which start to end are in use */
    size_t start, end, capacity;
};

/* A buffer of HTTP1_INPUT_FIRST_BYTES that waits for its next use, or NULL: most live for one callback only. */
struct http1_spare {
    char *data;
};

/* Makes room for receiving, growing up to limit bytes in use, and returns it; NULL with *room 0 where the limit is
 * reached. */
char *http1_input_reserve(struct http1_input *input, struct http1_spare *spare, size_t limit, size_t *room);

/* Has room for that many bytes in all. */
void http1_input_widen(struct http1_input *input, struct http1_spare *spare, size_t capacity);

/* Counts bytes that were received into the room. */
void http1_input_add(struct http1_input *input, size_t length);

/* What is there; valid until reserve or trim. */
struct slice http1_input_slice(const struct http1_input *input);

/* Removes length bytes from the front. */
void http1_input_consume(struct http1_input *input, size_t length);

/* Takes the memory out of the input, with its first length bytes; what follows them stays in it, in memory of its own.
 * The caller gives it back by http1_spare_give. */
char *http1_input_detach(struct http1_input *input, size_t length, size_t *capacity);

/* Frees a buffer, or keeps it for the next use. NULL is fine. */
void http1_spare_give(struct http1_spare *spare, char *data, size_t capacity);

/* Gives the memory away where nothing is in it. */
void http1_input_trim(struct http1_input *input, struct http1_spare *spare);

#endif
