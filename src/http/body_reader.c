#include "http/body_reader.h"

void body_reader_init(struct body_reader *reader, enum body_framing framing, uint64_t length)
{
    *reader = (struct body_reader){.framing = framing, .left = length};
    reader->is_done = framing == BODY_NONE || (framing == BODY_LENGTH && length == 0);
}

/* Adds a chunk's bytes to what was decoded before: the first stays where it is, the others close up to it. */
static void append_chunk(struct slice *data, struct slice chunk)
{
    if (data->length == 0) {
        *data = chunk;
        return;
    }
    char *end = (char *)data->data + data->length;
    if (end != chunk.data)
        memmove(end, chunk.data, chunk.length);
    data->length += chunk.length;
}

static bool take_chunks(struct body_reader *reader, struct slice input, struct slice *data, size_t *extra)
{
    for (;;) {
        struct slice chunk;
        switch (chunked_decode(&reader->chunked, &input, &chunk)) {
        case CHUNKED_DATA:
            append_chunk(data, chunk);
            break;
        case CHUNKED_MORE:
            return true;
        case CHUNKED_DONE:
            reader->is_done = true;
            *extra = input.length;
            return true;
        case CHUNKED_BAD:
            return false;
        }
    }
}

bool body_reader_take(struct body_reader *reader, char *input, size_t length, struct slice *data, size_t *extra)
{
    *data = slice_of(input, 0);
    *extra = 0;
    switch (reader->framing) {
    case BODY_NONE:
        *extra = length;
        break;
    case BODY_LENGTH:
        data->length = length < reader->left ? length : (size_t)reader->left;
        reader->left -= data->length;
        reader->is_done = reader->left == 0;
        *extra = length - data->length;
        break;
    case BODY_CHUNKED:
        return take_chunks(reader, slice_of(input, length), data, extra);
    case BODY_UNTIL_CLOSE:
        data->length = length;
        break;
    }
    return true;
}

void body_reader_skip(struct body_reader *reader, size_t length)
{
    reader->left -= length;
    reader->is_done = reader->left == 0;
}

bool body_reader_end(struct body_reader *reader)
{
    if (reader->framing == BODY_UNTIL_CLOSE)
        reader->is_done = true;
    return reader->is_done;
}
