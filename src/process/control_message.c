#include "process/control_message.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool control_line_parse(struct slice text, struct control_line *line)
{
    *line = (struct control_line){0};
    if (text.length > CONTROL_LINE_BYTES)
        return false;
    for (;;) {
        size_t end = slice_find(text, '\t');
        if (line->count == CONTROL_FIELDS)
            return false;
        for (size_t i = 0; i < end; ++i) {
            if (is_control(text.data[i]))
                return false;
        }
        line->fields[line->count++] = slice_of(text.data, end);
        if (end == text.length)
            return true;
        text = slice_skip(text, end + 1);
    }
}

struct slice control_line_field(const struct control_line *line, size_t index)
{
    return index < line->count ? line->fields[index] : SLICE_NONE;
}

const char *control_request_check(struct control_line *line)
{
    uint64_t version;
    if (line->count < 3 || !slice_equals(line->fields[0], SLICE("flexilib")) ||
        !slice_parse_number(line->fields[1], &version))
        return "that was no request";
    if (version != CONTROL_VERSION)
        return "the command is of another version than the FlexiLib that runs";
    line->count -= 2;
    memmove(line->fields, line->fields + 2, line->count * sizeof(line->fields[0]));
    return NULL;
}

void control_add_field(struct text *out, struct slice field)
{
    if (out->length != 0 && out->data[out->length - 1] != '\n')
        text_add_char(out, '\t');
    for (size_t i = 0; i < field.length; ++i)
        text_add_char(out, is_control(field.data[i]) ? '?' : field.data[i]);
}

void control_end_line(struct text *out)
{
    text_add_char(out, '\n');
}

void control_begin_request(struct text *out, struct slice word)
{
    text_print(out, "flexilib\t%d", CONTROL_VERSION);
    control_add_field(out, word);
}

void control_end_answer(struct text *out, int status, const char *format, ...)
{
    text_print(out, "end\t%d", status);
    if (format != NULL) {
        char sentence[1024];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(sentence, sizeof(sentence), format, arguments);
        va_end(arguments);
        control_add_field(out, slice_from_text(length < 0 ? "" : sentence));
    }
    control_end_line(out);
}
