#ifndef FLEXILIB_HTTP_CHUNKED_H
#define FLEXILIB_HTTP_CHUNKED_H

/* Reads the chunked transfer coding (RFC 9112 section 7.1), strictly: CRLF only, bare hexadecimal sizes of at most 16
 * digits, extensions checked for control characters and bounded (4 KB more than there is of the body). Trailer fields
 * are checked and bounded, and kept for whoever wants them. Used for requests and responses alike. However the input is
 * cut into pieces, the outcome is the same. */

#include "http/trailers.h"

struct chunked {
    uint64_t left;  /* of the chunk at hand; while its size is being read, the size so far */
    uint32_t state; /* of chunked.c's own */
    uint32_t digits;
    uint32_t extension_bytes, trailer_bytes;
    struct trailer_section *trailers; /* where they go, within its limits; NULL: at most 8 KB of them, and nowhere */
};

enum chunked_result {
    CHUNKED_DATA = 0, /* *data holds body bytes */
    CHUNKED_MORE,     /* everything was used up, the body goes on */
    CHUNKED_DONE,     /* the body has ended; input is what follows it */
    CHUNKED_BAD,      /* and so it stays */
};

/* A decoder is zero bytes at first, but for where trailers go. Takes from the front of *input: call it until it no
 * longer answers CHUNKED_DATA. *data points into the input. */
enum chunked_result chunked_decode(struct chunked *chunked, struct slice *input, struct slice *data);

#endif
