#ifndef FLEXILIB_CODING_DECODER_H
#define FLEXILIB_CODING_DECODER_H

/* A content coding that is taken off one body: coded bytes go in piece by piece, and the plain ones come out as far as
 * there is room for them. Behind each table stands a library, which its own file alone includes. Trusts nothing in the
 * coded bytes: how much they unfold to is bounded by the room, and what a decoder remembers by the coding's window,
 * 16 MB for brotli and 8 MB for zstd. */

#include "coding/coder.h"

enum decoder_result {
    DECODER_HUNGRY = 1, /* with all of the input; the body goes on */
    DECODER_FULL,       /* the room is used up: again, with more */
    DECODER_ENDED,      /* here the body may end: any input that is left begins another one */
    DECODER_BROKEN,     /* the bytes are none of this coding */
    DECODER_NO_MEMORY,
};

struct decoder;

struct decoder_calls {
    /* Never asks for more than most_bytes, later on. NULL where there is no memory. */
    struct decoder *(*create)(size_t most_bytes);
    /* Takes bytes off the front of input. */
    enum decoder_result (*work)(struct decoder *decoder, struct slice *input, struct coder_room *room);
    /* What it takes by now. */
    size_t (*memory_bytes)(const struct decoder *decoder);
    void (*destroy)(struct decoder *decoder);
};

extern const struct decoder_calls decoder_gzip;
extern const struct decoder_calls decoder_deflate;
extern const struct decoder_calls decoder_brotli;
extern const struct decoder_calls decoder_zstd;

#endif
