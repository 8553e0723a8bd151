#include "coding/decoder.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    /* RFC 9659: what is sent as a content coding needs no larger window. */
    MOST_WINDOW_BITS = 23,
};

struct decoder {
    ZSTD_DCtx *context;
    size_t most_bytes;
    bool has_ended;
};

static struct decoder *create(size_t most_bytes)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return NULL;
    decoder->most_bytes = most_bytes;
    decoder->context = ZSTD_createDCtx();
    if (decoder->context != NULL &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(decoder->context, ZSTD_d_windowLogMax, MOST_WINDOW_BITS)))
        return decoder;
    ZSTD_freeDCtx(decoder->context);
    free(decoder);
    return NULL;
}

static size_t memory_bytes(const struct decoder *decoder)
{
    return ZSTD_sizeof_DCtx(decoder->context);
}

static enum decoder_result work(struct decoder *decoder, struct slice *input, struct coder_room *room)
{
    ZSTD_inBuffer in = {.src = input->data, .size = input->length};
    ZSTD_outBuffer out = {.dst = room->data, .size = room->length, .pos = room->used};
    if (decoder->has_ended && input->length == 0)
        return DECODER_ENDED;
    size_t result = ZSTD_decompressStream(decoder->context, &out, &in);
    *input = slice_skip(*input, in.pos);
    room->used = out.pos;
    if (ZSTD_isError(result))
        return DECODER_BROKEN;
    if (memory_bytes(decoder) > decoder->most_bytes)
        return DECODER_NO_MEMORY;
    decoder->has_ended = result == 0;
    if (decoder->has_ended)
        return DECODER_ENDED;
    return out.pos == out.size ? DECODER_FULL : DECODER_HUNGRY;
}

static void destroy(struct decoder *decoder)
{
    if (decoder != NULL)
        ZSTD_freeDCtx(decoder->context);
    free(decoder);
}

const struct decoder_calls decoder_zstd = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
