#include "coding/decoder.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 15,
    GZIP_BITS = 16 + WINDOW_BITS, /* so that zlib expects gzip's frame */
    /* what zlib says that it takes: the window, its state, and this */
    MEMORY_BYTES = (1 << WINDOW_BITS) + 8 * 1024,
    ZLIB_HEAD_BYTES = 2,
};

struct decoder {
    z_stream stream;
    bool is_open;
    bool has_ended;
    /* "deflate" is zlib's frame, and some send its content alone: the first two bytes tell. */
    bool is_deflate;
    unsigned char head[ZLIB_HEAD_BYTES];
    size_t head_bytes;
};

static struct decoder *create_kind(size_t most_bytes, bool is_deflate)
{
    struct decoder *decoder = most_bytes < MEMORY_BYTES ? NULL : calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return NULL;
    decoder->is_deflate = is_deflate;
    decoder->is_open = !is_deflate && inflateInit2(&decoder->stream, GZIP_BITS) == Z_OK;
    if (decoder->is_open || is_deflate)
        return decoder;
    free(decoder);
    return NULL;
}

static struct decoder *create_gzip(size_t most_bytes)
{
    return create_kind(most_bytes, false);
}

static struct decoder *create_deflate(size_t most_bytes)
{
    return create_kind(most_bytes, true);
}

static enum decoder_result run(struct decoder *decoder, struct slice *input, struct coder_room *room)
{
    z_stream *stream = &decoder->stream;
    stream->next_in = (z_const Bytef *)(uintptr_t)input->data;
    stream->avail_in = (uInt)input->length;
    stream->next_out = (Bytef *)room->data + room->used;
    stream->avail_out = (uInt)(room->length - room->used);
    int result = inflate(stream, Z_NO_FLUSH);
    *input = slice_skip(*input, input->length - stream->avail_in);
    room->used = room->length - stream->avail_out;
    if (result == Z_MEM_ERROR)
        return DECODER_NO_MEMORY;
    decoder->has_ended = result == Z_STREAM_END;
    if (decoder->has_ended)
        return DECODER_ENDED;
    if (result != Z_OK && result != Z_BUF_ERROR)
        return DECODER_BROKEN;
    return stream->avail_out == 0 ? DECODER_FULL : DECODER_HUNGRY;
}

/* RFC 1950 section 2.2: what a frame begins with is a multiple of 31. */
static bool is_zlib_head(const unsigned char *head)
{
    return (head[0] & 15) == 8 && (head[0] >> 4) <= 7 && (head[0] << 8 | head[1]) % 31 == 0;
}

static enum decoder_result open_deflate(struct decoder *decoder, struct slice *input, struct coder_room *room)
{
    while (decoder->head_bytes < ZLIB_HEAD_BYTES && input->length != 0) {
        decoder->head[decoder->head_bytes++] = (unsigned char)input->data[0];
        *input = slice_skip(*input, 1);
    }
    if (decoder->head_bytes < ZLIB_HEAD_BYTES)
        return DECODER_HUNGRY;
    int bits = is_zlib_head(decoder->head) ? WINDOW_BITS : -WINDOW_BITS;
    decoder->is_open = inflateInit2(&decoder->stream, bits) == Z_OK;
    if (!decoder->is_open)
        return DECODER_NO_MEMORY;
    struct slice head = slice_of((const char *)decoder->head, ZLIB_HEAD_BYTES);
    return run(decoder, &head, room);
}

static enum decoder_result work(struct decoder *decoder, struct slice *input, struct coder_room *room)
{
    if (!decoder->is_open) {
        enum decoder_result result = open_deflate(decoder, input, room);
        if (result != DECODER_HUNGRY || input->length == 0)
            return result;
    }
    if (decoder->has_ended && input->length == 0)
        return DECODER_ENDED;
    if (decoder->has_ended) {
        /* RFC 1952 section 2.2: members of gzip may follow one another */
        if (decoder->is_deflate || inflateReset(&decoder->stream) != Z_OK)
            return DECODER_BROKEN;
        decoder->has_ended = false;
    }
    return run(decoder, input, room);
}

static size_t memory_bytes(const struct decoder *decoder)
{
    return MEMORY_BYTES;
}

static void destroy(struct decoder *decoder)
{
    if (decoder != NULL && decoder->is_open)
        inflateEnd(&decoder->stream);
    free(decoder);
}

const struct decoder_calls decoder_gzip = {
    .create = create_gzip, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
const struct decoder_calls decoder_deflate = {
    .create = create_deflate, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
