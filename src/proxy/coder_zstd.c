#include "proxy/coder.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    LEAST_WINDOW_BITS = 10,
    /* Far below the 8 MB that every client has to take (RFC 9659). */
    MOST_WINDOW_BITS = 18,
    /* From this level on the tables would be large, whatever the window. */
    FIRST_LARGE_LEVEL = 4,
    MOST_TABLE_BITS = 17,
};

struct coder {
    ZSTD_CCtx *context;
};

static struct coder *create(int level, int64_t body_length)
{
    struct coder *coder = calloc(1, sizeof(*coder));
    if (coder == NULL)
        return NULL;
    coder->context = ZSTD_createCCtx();
    if (coder->context == NULL) {
        free(coder);
        return NULL;
    }
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(coder->context, ZSTD_c_windowLog,
                           coder_window_bits(body_length, LEAST_WINDOW_BITS, MOST_WINDOW_BITS));
    if (level >= FIRST_LARGE_LEVEL) {
        ZSTD_CCtx_setParameter(coder->context, ZSTD_c_hashLog, MOST_TABLE_BITS);
        ZSTD_CCtx_setParameter(coder->context, ZSTD_c_chainLog, MOST_TABLE_BITS);
    }
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
    return sizeof(*coder) + ZSTD_sizeof_CCtx(coder->context);
}

static void destroy(struct coder *coder)
{
    if (coder != NULL)
        ZSTD_freeCCtx(coder->context);
    free(coder);
}

const struct coder_calls coder_zstd = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
