#include "base/text.h"
#include "fuzz.h"
#include "proxy/body_reader.h"

struct outcome {
    enum chunked_result result;
    struct text body;
    size_t used;
};

/* Decodes input that comes in pieces of step bytes. */
static struct outcome decode(struct slice input, size_t step)
{
    struct chunked chunked = {0};
    struct outcome outcome = {.result = CHUNKED_MORE};
    while (outcome.result == CHUNKED_MORE && outcome.used < input.length) {
        struct slice piece = slice_skip(input, outcome.used), part;
        if (piece.length > step)
            piece.length = step;
        const char *start = piece.data;
        while ((outcome.result = chunked_decode(&chunked, &piece, &part)) == CHUNKED_DATA) {
            CLAIM(part.length != 0 && part.data >= start && part.data + part.length == piece.data);
            text_add(&outcome.body, part);
        }
        CLAIM(outcome.result != CHUNKED_MORE || piece.length == 0);
        outcome.used += (size_t)(piece.data - start);
    }
    return outcome;
}

/* The same through the reader that moves chunks together. */
static void read_whole(struct slice input, const struct outcome *expected)
{
    struct body_reader reader;
    struct slice data = SLICE_NONE;
    size_t extra = 0;
    char *copy = malloc(input.length);
    memcpy(copy, input.data, input.length);
    body_reader_init(&reader, BODY_CHUNKED, 0);
    bool is_good = body_reader_take(&reader, copy, input.length, &data, &extra);
    CLAIM(is_good == (expected->result != CHUNKED_BAD));
    CLAIM(reader.is_done == (expected->result == CHUNKED_DONE));
    CLAIM(!is_good || slice_equals(data, text_slice(&expected->body)));
    CLAIM(!reader.is_done || extra == input.length - expected->used);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice input = slice_of((const char *)bytes, size);
    if (size == 0)
        return 0;
    struct outcome once = decode(input, size);
    for (size_t step = 1; step < 4; ++step) {
        struct outcome again = decode(input, step);
        CLAIM(again.result == once.result && again.used == once.used);
        CLAIM(slice_equals(text_slice(&again.body), text_slice(&once.body)));
        text_finish(&again.body);
    }
    read_whole(input, &once);
    text_finish(&once.body);
    return 0;
}
