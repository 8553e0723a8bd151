#include "coding/coder.h"

#include <brotli/encode.h>
#include <stdlib.h>

enum {
    LEAST_WINDOW_BITS = 10,
    MOST_WINDOW_BITS = 16, /* the next ones save a fiftieth and take twice the memory, at high levels ten times */
    SPARING_WINDOW_BITS = 14,
    BYTES_OF_BYTE = 8, /* what a byte of a body takes on its way */
};

struct coder {
    BrotliEncoderState *state;
    size_t memory_bytes;
};

/* What levels up to this one touch of the memory that they are given; it is more than that, but never used. */
struct need {
    int most_level, window_bits;
    size_t memory_bytes, table_bytes; /* the tables are a part of it */
};

/* Those further down do with less. */
static const struct need needs[] = {
    {9, MOST_WINDOW_BITS, 1750 * 1024, 1300 * 1024}, {6, MOST_WINDOW_BITS, 1000 * 1024, 530 * 1024},
    {3, MOST_WINDOW_BITS, 620 * 1024, 270 * 1024},   {3, SPARING_WINDOW_BITS, 375 * 1024, 270 * 1024},
    {1, MOST_WINDOW_BITS, 370 * 1024, 150 * 1024},
};

enum {
    NEEDS = sizeof(needs) / sizeof(needs[0]),
};

static size_t expect_bytes(const struct need *need, int64_t body_length)
{
    if (body_length < 0 || body_length > (int64_t)1 << MOST_WINDOW_BITS)
        return need->memory_bytes;
    size_t bytes = need->table_bytes + BYTES_OF_BYTE * (size_t)body_length;
    return bytes < need->memory_bytes ? bytes : need->memory_bytes;
}

/* The one for the level, or the next one that is small enough. */
static const struct need *find_need(int level, int64_t body_length, size_t most_bytes)
{
    size_t i = NEEDS - 1;
    while (needs[i].most_level < level || needs[i].window_bits != MOST_WINDOW_BITS)
        --i;
    while (i < NEEDS && expect_bytes(&needs[i], body_length) > most_bytes)
        ++i;
    return i < NEEDS ? &needs[i] : NULL;
}

static struct coder *create(int level, int64_t body_length, size_t most_bytes)
{
    const struct need *need = find_need(level, body_length, most_bytes);
    struct coder *coder = need == NULL ? NULL : calloc(1, sizeof(*coder));
    if (coder == NULL)
        return NULL;
    coder->memory_bytes = expect_bytes(need, body_length);
    coder->state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (coder->state == NULL) {
        free(coder);
        return NULL;
    }
    int window_bits = coder_window_bits(body_length, LEAST_WINDOW_BITS, need->window_bits);
    BrotliEncoderSetParameter(coder->state, BROTLI_PARAM_QUALITY,
                              (uint32_t)(level < need->most_level ? level : need->most_level));
    BrotliEncoderSetParameter(coder->state, BROTLI_PARAM_LGWIN, (uint32_t)window_bits);
    if (body_length >= 0 && body_length <= (int64_t)1 << MOST_WINDOW_BITS)
        BrotliEncoderSetParameter(coder->state, BROTLI_PARAM_SIZE_HINT, (uint32_t)body_length);
    return coder;
}

static enum coder_result work(struct coder *coder, enum coder_task task, struct slice *input, struct coder_room *room)
{
    static const BrotliEncoderOperation operations[] = {
        [CODER_GO_ON] = BROTLI_OPERATION_PROCESS,
        [CODER_FLUSH] = BROTLI_OPERATION_FLUSH,
        [CODER_FINISH] = BROTLI_OPERATION_FINISH,
    };
    const uint8_t *in = (const uint8_t *)input->data;
    uint8_t *out = (uint8_t *)room->data + room->used;
    size_t left = input->length, free_bytes = room->length - room->used;
    BROTLI_BOOL is_fine =
        BrotliEncoderCompressStream(coder->state, operations[task], &left, &in, &free_bytes, &out, NULL);
    *input = slice_skip(*input, input->length - left);
    room->used = room->length - free_bytes;
    if (!is_fine)
        return CODER_FAILED;
    if (left != 0 || BrotliEncoderHasMoreOutput(coder->state))
        return CODER_FULL;
    return task != CODER_FINISH || BrotliEncoderIsFinished(coder->state) ? CODER_DONE : CODER_FAILED;
}

static size_t memory_bytes(const struct coder *coder)
{
    return coder->memory_bytes;
}

static void destroy(struct coder *coder)
{
    if (coder != NULL)
        BrotliEncoderDestroyInstance(coder->state);
    free(coder);
}

const struct coder_calls coder_brotli = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
