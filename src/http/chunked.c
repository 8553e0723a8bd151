#include "http/chunked.h"

#include "filter/headers.h"

enum {
    MOST_DIGITS = 16,
    MOST_EXTENSION_BYTES = 4096,
    MOST_TRAILER_BYTES = 8192,
};

enum state {
    STATE_SIZE = 0,
    STATE_EXTENSION,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER_START,
    STATE_TRAILER_NAME,
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_LAST_LF,
    STATE_DONE,
    STATE_BAD,
};

static bool is_text_byte(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

static enum state step_extension(struct chunked *chunked, char c)
{
    if (c == '\r')
        return STATE_SIZE_LF;
    return is_text_byte(c) && ++chunked->extension_bytes <= MOST_EXTENSION_BYTES ? STATE_EXTENSION : STATE_BAD;
}

static enum state step_size(struct chunked *chunked, char c)
{
    int value = ascii_hexadecimal(c);
    if (value >= 0) {
        if (++chunked->digits > MOST_DIGITS)
            return STATE_BAD;
        chunked->left = chunked->left * 16 + (uint64_t)value;
        return STATE_SIZE;
    }
    if (chunked->digits == 0)
        return STATE_BAD;
    if (c == ';')
        return step_extension(chunked, c);
    return c == '\r' ? STATE_SIZE_LF : STATE_BAD;
}

static enum state start_chunk(struct chunked *chunked)
{
    chunked->digits = 0;
    return chunked->left == 0 ? STATE_TRAILER_START : STATE_DATA;
}

/* Counts and keeps a byte of a field. Returns false where that is more than may be. */
static bool keep_trailer_byte(struct chunked *chunked, char c)
{
    struct trailer_section *section = chunked->trailers;
    ++chunked->trailer_bytes;
    if (section == NULL)
        return chunked->trailer_bytes <= MOST_TRAILER_BYTES;
    section->field_count += chunked->state == STATE_TRAILER_START;
    section->is_too_large = chunked->trailer_bytes > section->most_bytes || section->field_count > section->most_fields;
    if (!section->is_too_large)
        text_add_char(&section->lines, c == '\r' ? '\n' : c);
    return !section->is_too_large;
}

static enum state step_trailer(struct chunked *chunked, char c)
{
    if (c == '\r' && chunked->state == STATE_TRAILER_START)
        return STATE_LAST_LF;
    if (!keep_trailer_byte(chunked, c))
        return STATE_BAD;
    if (chunked->state == STATE_TRAILER_VALUE) {
        if (c == '\r')
            return STATE_TRAILER_LF;
        return is_text_byte(c) ? STATE_TRAILER_VALUE : STATE_BAD;
    }
    if (c == ':' && chunked->state == STATE_TRAILER_NAME)
        return STATE_TRAILER_VALUE;
    return header_is_name(slice_of(&c, 1)) ? STATE_TRAILER_NAME : STATE_BAD;
}

static enum state expect(char c, char wanted, enum state next)
{
    return c == wanted ? next : STATE_BAD;
}

static enum state step(struct chunked *chunked, char c)
{
    switch ((enum state)chunked->state) {
    case STATE_SIZE:
        return step_size(chunked, c);
    case STATE_EXTENSION:
        return step_extension(chunked, c);
    case STATE_SIZE_LF:
        return expect(c, '\n', start_chunk(chunked));
    case STATE_DATA_CR:
        return expect(c, '\r', STATE_DATA_LF);
    case STATE_DATA_LF:
        return expect(c, '\n', STATE_SIZE);
    case STATE_TRAILER_START:
    case STATE_TRAILER_NAME:
    case STATE_TRAILER_VALUE:
        return step_trailer(chunked, c);
    case STATE_TRAILER_LF:
        return expect(c, '\n', STATE_TRAILER_START);
    case STATE_LAST_LF:
        return expect(c, '\n', STATE_DONE);
    case STATE_DATA:
    case STATE_DONE:
    case STATE_BAD:
        break;
    }
    return STATE_BAD;
}

static struct slice take_data(struct chunked *chunked, struct slice *input)
{
    size_t length = chunked->left < input->length ? (size_t)chunked->left : input->length;
    struct slice data = slice_of(input->data, length);
    *input = slice_skip(*input, length);
    chunked->left -= length;
    /* some servers sign every chunk: what counts is how much more of the extensions there is than of the body */
    chunked->extension_bytes -= length < chunked->extension_bytes ? (uint32_t)length : chunked->extension_bytes;
    if (chunked->left == 0)
        chunked->state = STATE_DATA_CR;
    return data;
}

enum chunked_result chunked_decode(struct chunked *chunked, struct slice *input, struct slice *data)
{
    while (chunked->state != STATE_DONE && chunked->state != STATE_BAD) {
        if (input->length == 0)
            return CHUNKED_MORE;
        if (chunked->state == STATE_DATA) {
            *data = take_data(chunked, input);
            return CHUNKED_DATA;
        }
        chunked->state = step(chunked, input->data[0]);
        *input = slice_skip(*input, 1);
    }
    return chunked->state == STATE_DONE ? CHUNKED_DONE : CHUNKED_BAD;
}
