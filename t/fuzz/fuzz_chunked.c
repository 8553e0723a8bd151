#include "base/text.h"
#include "fuzz.h"
#include "http/body_reader.h"

enum {
    MOST_TRAILER_BYTES = 100,
    MOST_TRAILERS = 5,
};

struct outcome {
    enum chunked_result result;
    struct text body;
    struct trailer_section trailers;
    size_t used;
};

static void finish(struct outcome *outcome)
{
    text_finish(&outcome->body);
    text_finish(&outcome->trailers.lines);
}

/* Decodes input that comes in pieces of step bytes. */
static struct outcome decode(struct slice input, size_t step, size_t most_trailer_bytes)
{
    struct outcome outcome = {.result = CHUNKED_MORE,
                              .trailers = {.most_bytes = most_trailer_bytes, .most_fields = MOST_TRAILERS}};
    struct chunked chunked = {.trailers = &outcome.trailers};
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
    struct trailer_section trailers = {.most_bytes = MOST_TRAILER_BYTES, .most_fields = MOST_TRAILERS};
    body_reader_init(&reader, BODY_CHUNKED, 0);
    reader.chunked.trailers = &trailers;
    bool is_good = body_reader_take(&reader, copy, input.length, &data, &extra);
    CLAIM(is_good == (expected->result != CHUNKED_BAD));
    CLAIM(reader.is_done == (expected->result == CHUNKED_DONE));
    CLAIM(!is_good || slice_equals(data, text_slice(&expected->body)));
    CLAIM(!reader.is_done || extra == input.length - expected->used);
    text_finish(&trailers.lines);
    free(copy);
}

/* What is passed on is a section that is read as just that, with nothing in it that may not be there. */
static void pass_on(const struct outcome *outcome)
{
    struct arena arena;
    struct headers trailers = {0}, again = {0};
    arena_init(&arena, 0);
    trailers_take(&trailers, &arena, &outcome->trailers);
    CLAIM(trailers.count <= outcome->trailers.field_count && outcome->trailers.field_count <= MOST_TRAILERS);
    struct slice end = trailers_write_end(&arena, &trailers);
    struct outcome read = decode(end, end.length, end.length);
    CLAIM(read.result == CHUNKED_DONE && read.used == end.length && read.body.length == 0);
    trailers_take(&again, &arena, &read.trailers);
    CLAIM(again.count == trailers.count);
    for (size_t i = 0; i < trailers.count; ++i) {
        CLAIM(trailers_allow(trailers.items[i].name) && header_is_value(trailers.items[i].value));
        CLAIM(slice_equals(again.items[i].name, trailers.items[i].name));
        CLAIM(slice_equals(again.items[i].value, trailers.items[i].value));
    }
    finish(&read);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice input = slice_of((const char *)bytes, size);
    if (size == 0)
        return 0;
    struct outcome once = decode(input, size, MOST_TRAILER_BYTES);
    for (size_t step = 1; step < 4; ++step) {
        struct outcome again = decode(input, step, MOST_TRAILER_BYTES);
        CLAIM(again.result == once.result && again.used == once.used);
        CLAIM(slice_equals(text_slice(&again.body), text_slice(&once.body)));
        CLAIM(slice_equals(text_slice(&again.trailers.lines), text_slice(&once.trailers.lines)));
        CLAIM(again.trailers.is_too_large == once.trailers.is_too_large);
        finish(&again);
    }
    read_whole(input, &once);
    if (once.result == CHUNKED_DONE)
        pass_on(&once);
    finish(&once);
    return 0;
}
