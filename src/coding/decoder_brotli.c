#include "coding/decoder.h"

#include <brotli/decode.h>
#include <stddef.h>
#include <stdlib.h>

struct decoder {
    BrotliDecoderState *state;
    size_t memory_bytes, most_bytes;
    bool lacks_memory;
};

/* How long it is stands in front of each piece of memory. */
union allotment {
    size_t bytes;
    max_align_t alignment;
};

static void *allot(void *opaque, size_t bytes)
{
    struct decoder *decoder = opaque;
    union allotment *allotment = NULL;
    if (bytes <= decoder->most_bytes && decoder->memory_bytes <= decoder->most_bytes - bytes)
        allotment = malloc(sizeof(*allotment) + bytes);
    decoder->lacks_memory = allotment == NULL;
    if (allotment == NULL)
        return NULL;
    allotment->bytes = bytes;
    decoder->memory_bytes += bytes;
    return allotment + 1;
}

static void take_back(void *opaque, void *address)
{
    struct decoder *decoder = opaque;
    if (address == NULL)
        return;
    union allotment *allotment = (union allotment *)address - 1;
    decoder->memory_bytes -= allotment->bytes;
    free(allotment);
}

static struct decoder *create(size_t most_bytes)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return NULL;
    decoder->most_bytes = most_bytes;
    decoder->state = BrotliDecoderCreateInstance(allot, take_back, decoder);
    if (decoder->state != NULL)
        return decoder;
    free(decoder);
    return NULL;
}

static enum decoder_result work(struct decoder *decoder, struct slice *input, struct coder_room *room)
{
    const uint8_t *in = (const uint8_t *)input->data;
    uint8_t *out = (uint8_t *)room->data + room->used;
    size_t left = input->length, free_bytes = room->length - room->used;
    if (BrotliDecoderIsFinished(decoder->state))
        return input->length == 0 ? DECODER_ENDED : DECODER_BROKEN;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(decoder->state, &left, &in, &free_bytes, &out, NULL);
    *input = slice_skip(*input, input->length - left);
    room->used = room->length - free_bytes;
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return DECODER_ENDED;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return DECODER_HUNGRY;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return DECODER_FULL;
    default:
        return decoder->lacks_memory ? DECODER_NO_MEMORY : DECODER_BROKEN;
    }
}

static size_t memory_bytes(const struct decoder *decoder)
{
    return decoder->memory_bytes;
}

static void destroy(struct decoder *decoder)
{
    if (decoder != NULL)
        BrotliDecoderDestroyInstance(decoder->state);
    free(decoder);
}

const struct decoder_calls decoder_brotli = {
    .create = create, .work = work, .memory_bytes = memory_bytes, .destroy = destroy};
