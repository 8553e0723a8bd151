#include "coding/body_decodings.h"

#include "base/alloc.h"
#include "coding/decoder.h"

#include <stdlib.h>

enum {
    /* As large as the pieces in which bodies come anyway. */
    OUTPUT_BYTES = 64 * 1024,
    /* What all of them may take together; the largest window is an eighth of it. */
    MOST_MEMORY_BYTES = 128 * 1024 * 1024,
    /* And what those may that one client sends at once: two of the largest windows. */
    MOST_SHARED_BYTES = MOST_MEMORY_BYTES / 4,
};

struct decoding {
    struct body_decodings *all;
    size_t *shared; /* NULL: with nobody */
    const struct decoder_calls *calls;
    struct decoder *decoder; /* NULL when its work is done */
    size_t counted_bytes;    /* of it and this */
    char output[OUTPUT_BYTES];
};

struct known_coding {
    const char *name;
    const struct decoder_calls *calls;
};

static const struct known_coding known_codings[] = {
    {"gzip", &decoder_gzip}, {"x-gzip", &decoder_gzip}, {"deflate", &decoder_deflate},
    {"br", &decoder_brotli}, {"zstd", &decoder_zstd},
};

static const struct decoder_calls *find_calls(struct slice coding)
{
    for (size_t i = 0; i < sizeof(known_codings) / sizeof(known_codings[0]); ++i) {
        if (slice_equals_nocase(coding, slice_from_text(known_codings[i].name)))
            return known_codings[i].calls;
    }
    return NULL;
}

static bool knows(struct slice coding)
{
    return find_calls(coding) != NULL;
}

static void count_memory(struct decoding *decoding, size_t bytes)
{
    decoding->all->memory_bytes += bytes - decoding->counted_bytes;
    if (decoding->shared != NULL)
        *decoding->shared += bytes - decoding->counted_bytes;
    decoding->counted_bytes = bytes;
}

static size_t what_is_left(const struct body_decodings *all, const size_t *shared)
{
    size_t left = all->memory_bytes < MOST_MEMORY_BYTES ? MOST_MEMORY_BYTES - all->memory_bytes : 0;
    size_t own = shared == NULL ? left : *shared < MOST_SHARED_BYTES ? MOST_SHARED_BYTES - *shared : 0;
    return own < left ? own : left;
}

static bool is_within(const struct body_decodings *all, const size_t *shared)
{
    return all->memory_bytes <= MOST_MEMORY_BYTES && (shared == NULL || *shared <= MOST_SHARED_BYTES);
}

static struct decoding *open_one(void *context, struct slice coding, size_t *shared)
{
    struct body_decodings *all = context;
    size_t left = what_is_left(all, shared);
    const struct decoder_calls *calls = find_calls(coding);
    if (left <= sizeof(struct decoding))
        return NULL;
    struct decoder *decoder = calls->create(left - sizeof(struct decoding));
    struct decoding *decoding = decoder == NULL ? NULL : mem_try_realloc(NULL, sizeof(*decoding));
    if (decoding == NULL) {
        if (decoder != NULL)
            calls->destroy(decoder);
        return NULL;
    }
    decoding->all = all;
    decoding->shared = shared;
    decoding->calls = calls;
    decoding->decoder = decoder;
    decoding->counted_bytes = 0;
    count_memory(decoding, sizeof(*decoding) + calls->memory_bytes(decoder));
    return decoding;
}

static enum decoding_state work(struct decoding *decoding, struct slice *input, struct slice *output)
{
    static const enum decoding_state states[] = {
        [DECODER_HUNGRY] = DECODING_HUNGRY, [DECODER_FULL] = DECODING_BUSY,         [DECODER_ENDED] = DECODING_ENDED,
        [DECODER_BROKEN] = DECODING_BROKEN, [DECODER_NO_MEMORY] = DECODING_NO_ROOM,
    };
    struct coder_room room = {.data = decoding->output, .length = OUTPUT_BYTES};
    enum decoder_result result = decoding->calls->work(decoding->decoder, input, &room);
    size_t before = decoding->counted_bytes;
    *output = slice_of(decoding->output, room.used);
    count_memory(decoding, sizeof(*decoding) + decoding->calls->memory_bytes(decoding->decoder));
    /* who takes no more does not suffer for who does */
    bool is_too_much = decoding->counted_bytes > before && !is_within(decoding->all, decoding->shared);
    return is_too_much ? DECODING_NO_ROOM : states[result];
}

static void settle(struct decoding *decoding)
{
    if (decoding->decoder == NULL)
        return;
    decoding->calls->destroy(decoding->decoder);
    decoding->decoder = NULL;
    count_memory(decoding, sizeof(*decoding));
}

static void leave(struct decoding *decoding)
{
    if (decoding->shared != NULL)
        *decoding->shared -= decoding->counted_bytes;
    decoding->shared = NULL;
}

static void close_one(struct decoding *decoding)
{
    settle(decoding);
    count_memory(decoding, 0);
    free(decoding);
}

const struct decoding_services body_decoding_services = {
    .knows = knows,
    .open = open_one,
    .work = work,
    .settle = settle,
    .leave = leave,
    .close = close_one,
};
