#ifndef FLEXILIB_CODING_CODER_H
#define FLEXILIB_CODING_CODER_H

/* A content coding at work on one body: bytes go in piece by piece, and come out compressed. Behind each table stands
 * a library, which its own file alone includes. Knows nothing of HTTP. What a coder takes is known when it is made: no
 * more than some 2 MB, whatever the level, and much less for a body that is known to be short, or where less is to be
 * had. */

#include "config/settings_compress.h"

enum coder_task {
    CODER_GO_ON = 0, /* takes the input; what comes out of that is the coder's to choose */
    CODER_FLUSH,     /* so that whoever has the output can read all of the input */
    CODER_FINISH,    /* the body ends behind this input */
};

enum coder_result {
    CODER_DONE = 1, /* with the task and all of the input */
    CODER_FULL,     /* the room is used up: the same task again, with more */
    CODER_FAILED,   /* there is no memory, or the body is not as long as was said */
};

/* Where the output goes; used counts what is there already. */
struct coder_room {
    char *data;
    size_t length, used;
};

struct coder;

struct coder_calls {
    /* body_length is -1 where it is not known. Compresses less well where it has to, to stay within most_bytes. Returns
     * NULL where it cannot, or there is no memory. */
    struct coder *(*create)(int level, int64_t body_length, size_t most_bytes);
    /* Takes bytes off the front of input. */
    enum coder_result (*work)(struct coder *coder, enum coder_task task, struct slice *input, struct coder_room *room);
    /* What it takes, or will. */
    size_t (*memory_bytes)(const struct coder *coder);
    void (*destroy)(struct coder *coder);
};

extern const struct coder_calls coder_gzip;
extern const struct coder_calls coder_brotli;
extern const struct coder_calls coder_zstd;

/* The exponent of the smallest window, from least to most, that a body of that length fits in. */
static inline int coder_window_bits(int64_t body_length, int least, int most)
{
    int bits = least;
    while (bits < most && (body_length < 0 || body_length > (int64_t)1 << bits))
        ++bits;
    return bits;
}

#endif
