#include "coding/coder.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    LEAST_WINDOW_BITS = 9,
    LEAST_SPARING_BITS = 10, /* what is saved by still smaller ones is not worth it */
    STATE_BYTES = 6 * 1024,
    GZIP_FORMAT = 16, /* added to the window's bits */
    LEAST_HASH_LEVEL = 1,
    WINDOW_WITHOUT_HASH = 7, /* so that the largest window has zlib's usual hash table */
    /* Into less room than this a flush might be put twice. */
    LEAST_FLUSH_ROOM = 64,
};

struct coder {
    z_stream stream;
    size_t memory_bytes;
};

static int hash_level(int window_bits)
{
    int level = window_bits - WINDOW_WITHOUT_HASH;
    return level < LEAST_HASH_LEVEL ? LEAST_HASH_LEVEL : level;
}

/* As zlib's manual has it. */
static size_t expect_bytes(int window_bits)
{
    return STATE_BYTES + ((size_t)1 << (window_bits + 2)) + ((size_t)1 << (hash_level(window_bits) + 9));
}

static struct coder *create(int level, int64_t body_length, size_t most_bytes)
{
    int window_bits = coder_window_bits(body_length, LEAST_WINDOW_BITS, MAX_WBITS);
    while (window_bits > LEAST_SPARING_BITS && expect_bytes(window_bits) > most_bytes)
        --window_bits;
    if (expect_bytes(window_bits) > most_bytes)
        return NULL;
    struct coder *coder = calloc(1, sizeof(*coder));
    if (coder == NULL)
        return NULL;
    if (deflateInit2(&coder->stream, level, Z_DEFLATED, window_bits + GZIP_FORMAT, hash_level(window_bits),
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(coder);
        return NULL;
    }
    coder->memory_bytes = expect_bytes(window_bits);
    return coder;
}

static enum coder_result work(struct coder *coder, enum coder_task task, struct slice *input, struct coder_room *room)
{
    static const int flushes[] = {[CODER_GO_ON] = Z_NO_FLUSH, [CODER_FLUSH] = Z_SYNC_FLUSH, [CODER_FINISH] = Z_FINISH};
    z_stream *stream = &coder->stream;
    if (task == CODER_FLUSH && room->length - room->used < LEAST_FLUSH_ROOM)
        return CODER_FULL;
    stream->next_in = (Bytef *)(uintptr_t)input->data;
    stream->avail_in = (uInt)input->length;
    stream->next_out = (Bytef *)room->data + room->used;
    stream->avail_out = (uInt)(room->length - room->used);
    int result = deflate(stream, flushes[task]);
    *input = slice_skip(*input, input->length - stream->avail_in);
    room->used = room->length - stream->avail_out;
    if (result == Z_STREAM_END)
        return CODER_DONE;
    /* Z_BUF_ERROR: there was nothing to do */
    if (result != Z_OK && result != Z_BUF_ERROR)
        return CODER_FAILED;
    if (stream->avail_out == 0)
        return CODER_FULL;
    return task == CODER_FINISH || input->length != 0 ? CODER_FAILED : CODER_DONE;
}

static size_t memory_bytes(const struct coder *coder)
{
    return coder->memory_bytes;
}

static void destroy(struct coder *coder)
{
    if (coder != NULL)
        deflateEnd(&coder->stream);
    free(coder);
}

const struct coder_calls coder_gzip = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
