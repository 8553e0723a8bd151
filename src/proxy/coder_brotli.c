#include "proxy/coder.h"

#include <brotli/encode.h>
#include <stdlib.h>

enum {
    LEAST_WINDOW_BITS = 10,
    MOST_WINDOW_BITS = 16, /* the next ones save a fiftieth and take twice the memory, at high levels ten times */
};

struct coder {
    BrotliEncoderState *state;
    size_t memory_bytes;
};

/* Stands before each piece of memory, so that its size is known when it is given back. */
union piece_start {
    size_t length;
    max_align_t alignment;
};

static void *give_memory(void *data, size_t length)
{
    struct coder *coder = data;
    union piece_start *start = length > SIZE_MAX - sizeof(*start) ? NULL : malloc(sizeof(*start) + length);
    if (start == NULL)
        return NULL;
    start->length = length;
    coder->memory_bytes += length;
    return start + 1;
}

static void take_memory(void *data, void *memory)
{
    struct coder *coder = data;
    if (memory == NULL)
        return;
    union piece_start *start = (union piece_start *)memory - 1;
    coder->memory_bytes -= start->length;
    free(start);
}

static struct coder *create(int level, int64_t body_length)
{
    struct coder *coder = calloc(1, sizeof(*coder));
    int window_bits = coder_window_bits(body_length, LEAST_WINDOW_BITS, MOST_WINDOW_BITS);
    if (coder == NULL)
        return NULL;
    coder->state = BrotliEncoderCreateInstance(give_memory, take_memory, coder);
    if (coder->state == NULL) {
        free(coder);
        return NULL;
    }
    BrotliEncoderSetParameter(coder->state, BROTLI_PARAM_QUALITY, (uint32_t)level);
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
    return sizeof(*coder) + coder->memory_bytes;
}

static void destroy(struct coder *coder)
{
    if (coder != NULL)
        BrotliEncoderDestroyInstance(coder->state);
    free(coder);
}

const struct coder_calls coder_brotli = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
