#include "coding/coder.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    LEAST_WINDOW_BITS = 10,
    LEAST_SPARING_BITS = 14, /* what is saved by still smaller ones is not worth it */
    /* Far below the 8 MB that every client has to take (RFC 9659). */
    MOST_WINDOW_BITS = 18,
    LARGEST_BLOCK_BYTES = 128 * 1024,
    BYTES_OF_SEQUENCE = 11,
    LEVELS = 12,
    /* Short bodies are compressed by another method from that level on, which takes more. */
    FIRST_OPTIMAL_LEVEL = 9,
    MOST_OPTIMAL_BITS = 14,
    OPTIMAL_BYTES = 208 * 1024,
    STATE_BYTES = 36 * 1024,
};

struct coder {
    ZSTD_CCtx *context;
    size_t memory_bytes;
};

/* The sizes of what it works with, as exponents. */
struct dimensions {
    int window_bits, hash_bits, chain_bits;
};

/* By level: beyond these the tables would be large, whatever the window. */
static const int most_hash_bits[LEVELS + 1] = {14, 14, 16, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17};
static const int most_chain_bits[LEVELS + 1] = {14, 14, 15, 16, 17, 17, 17, 17, 17, 17, 17, 17, 17};

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

/* The window with what is kept until a block is full, the block's output, its parts, the tables. */
static size_t expect_bytes(int level, struct dimensions size)
{
    size_t window = (size_t)1 << size.window_bits, hash = (size_t)1 << size.hash_bits;
    size_t block = window < LARGEST_BLOCK_BYTES ? window : LARGEST_BLOCK_BYTES;
    bool is_optimal = level >= FIRST_OPTIMAL_LEVEL && size.window_bits <= MOST_OPTIMAL_BITS;
    size_t tables = sizeof(uint32_t) * (hash + ((size_t)1 << size.chain_bits));
    size_t parts = block / (is_optimal ? 3 : 4) * BYTES_OF_SEQUENCE + block;
    return STATE_BYTES + window + 2 * block + tables + parts + (is_optimal ? OPTIMAL_BYTES : 0);
}

/* Smaller tables are less of a loss than a smaller window. Returns false where nothing is small enough. */
static bool choose_dimensions(int level, int64_t body_length, size_t most_bytes, struct dimensions *size)
{
    int window_bits = coder_window_bits(body_length, LEAST_WINDOW_BITS, MOST_WINDOW_BITS);
    for (int bits = window_bits; bits == window_bits || bits >= LEAST_SPARING_BITS; --bits) {
        for (int less = 0; less <= 2; ++less) {
            *size = (struct dimensions){bits, least_of(most_hash_bits[level], bits - less),
                                        least_of(most_chain_bits[level], bits - less)};
            if (expect_bytes(level, *size) <= most_bytes)
                return true;
        }
    }
    return false;
}

static struct coder *create(int level, int64_t body_length, size_t most_bytes)
{
    struct dimensions size;
    if (!choose_dimensions(level, body_length, most_bytes, &size))
        return NULL;
    struct coder *coder = calloc(1, sizeof(*coder));
    if (coder == NULL)
        return NULL;
    coder->memory_bytes = expect_bytes(level, size);
    coder->context = ZSTD_createCCtx();
    if (coder->context == NULL) {
        free(coder);
        return NULL;
    }
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_windowLog, size.window_bits);
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_hashLog, size.hash_bits);
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_chainLog, size.chain_bits);
    if (body_length >= 0)
        ZSTD_CCtx_setPledgedSrcSize(coder->context, (unsigned long long)body_length);
    return coder;
}

static enum coder_result work(struct coder *coder, enum coder_task task, struct slice *input, struct coder_room *room)
{
    static const ZSTD_EndDirective directives[] = {
        [CODER_GO_ON] = ZSTD_e_continue, [CODER_FLUSH] = ZSTD_e_flush, [CODER_FINISH] = ZSTD_e_end};
    ZSTD_inBuffer in = {input->data, input->length, 0};
    ZSTD_outBuffer out = {room->data, room->length, room->used};
    size_t left = ZSTD_compressStream2(coder->context, &out, &in, directives[task]);
    *input = slice_skip(*input, in.pos);
    room->used = out.pos;
    if (ZSTD_isError(left))
        return CODER_FAILED;
    bool is_done = task == CODER_GO_ON ? input->length == 0 : left == 0;
    return is_done ? CODER_DONE : CODER_FULL;
}

static size_t memory_bytes(const struct coder *coder)
{
    return coder->memory_bytes;
}

static void destroy(struct coder *coder)
{
    if (coder != NULL)
        ZSTD_freeCCtx(coder->context);
    free(coder);
}

const struct coder_calls coder_zstd = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
