#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static struct slice line_at(const struct source_text *text, unsigned line)
{
    struct slice rest = text->content;
    for (unsigned i = 1; i < line && rest.length != 0; ++i) {
        size_t end = slice_find(rest, '\n');
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    rest.length = slice_find(rest, '\n');
    if (rest.length != 0 && rest.data[rest.length - 1] == '\r')
        --rest.length;
    return rest;
}

static void set_place(struct error *error, struct place place)
{
    if (place.text == NULL)
        return;
    snprintf(error->path, sizeof(error->path), "%s", place.text->path);
    error->line = place.line;
    error->column = place.column;
    struct slice line = line_at(place.text, place.line);
    snprintf(error->source_line, sizeof(error->source_line), "%.*s", SLICE_ARG(line));
}

bool error_set(struct error *error, const char *format, ...)
{
    if (error->is_set)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    error->is_set = true;
    return false;
}

bool error_set_at(struct error *error, struct place place, const char *format, ...)
{
    if (error->is_set)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    set_place(error, place);
    error->is_set = true;
    return false;
}

void error_describe_line(const struct error *error, struct text *out)
{
    if (error->path[0] != '\0' && error->line != 0)
        text_print(out, "%s:%u:%u: ", error->path, error->line, error->column);
    else if (error->path[0] != '\0')
        text_print(out, "%s: ", error->path);
    text_print(out, "%s", error->message);
}

void error_describe(const struct error *error, struct text *out)
{
    error_describe_line(error, out);
    if (error->source_line[0] == '\0')
        return;
    text_print(out, "\n    %s\n    ", error->source_line);
    for (unsigned i = 1; i < error->column && error->source_line[i - 1] != '\0'; ++i)
        text_add_char(out, error->source_line[i - 1] == '\t' ? '\t' : ' ');
    text_add_char(out, '^');
}
