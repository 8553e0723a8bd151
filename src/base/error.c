#include "base/error.h"

#include "base/characters.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LONGEST_SHOWN = 160, /* a longer line is shown from the place's surroundings */
    SHOWN_BEFORE = 100,
};

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

static size_t skip_character(struct slice text)
{
    size_t length = character_length(text);
    return length == 0 ? 1 : length;
}

static unsigned count_characters(struct slice text)
{
    unsigned count = 0;
    for (; text.length != 0; ++count)
        text = slice_skip(text, skip_character(text));
    return count;
}

/* Moves a position into a character back to where that begins. */
static size_t find_boundary(struct slice line, size_t position)
{
    size_t start = 0;
    for (size_t next = 0; next <= position && next < line.length; next += skip_character(slice_skip(line, next)))
        start = next;
    return position >= line.length ? line.length : start;
}

/* Adds the text as it may be shown on any terminal, and gives the new length. */
static size_t show(struct error *error, size_t used, struct slice text)
{
    while (text.length != 0) {
        size_t length = skip_character(text);
        struct slice character = slice_of(text.data, length);
        bool is_shown = character_length(character) != 0 && (!character_is_control(character) || text.data[0] == '\t');
        if (used + length >= sizeof(error->source_line))
            break;
        memcpy(error->source_line + used, is_shown ? character.data : "?", is_shown ? length : 1);
        used += is_shown ? length : 1;
        text = slice_skip(text, length);
    }
    error->source_line[used] = '\0';
    return used;
}

static void show_line(struct error *error, struct slice line, size_t position)
{
    bool is_long = line.length > LONGEST_SHOWN;
    size_t start = is_long && position > SHOWN_BEFORE ? find_boundary(line, position - SHOWN_BEFORE) : 0;
    size_t end = is_long ? find_boundary(line, start + LONGEST_SHOWN) : line.length;
    size_t used = show(error, 0, start == 0 ? SLICE("") : SLICE("..."));
    error->caret = show(error, used, slice_of(line.data + start, position - start));
    used = show(error, error->caret, slice_of(line.data + position, end - position));
    show(error, used, end == line.length ? SLICE("") : SLICE("..."));
}

static void set_place(struct error *error, struct place place)
{
    if (place.text == NULL)
        return;
    snprintf(error->path, sizeof(error->path), "%s", place.text->path);
    struct slice line = line_at(place.text, place.line);
    size_t position = place.column == 0 ? 0 : find_boundary(line, place.column - 1);
    error->line = place.line;
    error->column = count_characters(slice_of(line.data, position)) + 1;
    show_line(error, line, position);
}

/* Adds what stands under the text: blanks that take as much room. */
static void add_blanks(struct text *out, struct slice text)
{
    while (text.length != 0) {
        size_t length = skip_character(text);
        unsigned width = character_width(slice_of(text.data, length));
        bool is_tab = text.data[0] == '\t';
        for (unsigned i = 0; i < width; ++i)
            text_add_char(out, is_tab ? '\t' : ' ');
        text = slice_skip(text, length);
    }
}

static void fill(struct error *error, struct place place, const char *format, va_list arguments)
{
    if (error->is_set)
        return;
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    set_place(error, place);
    error->is_set = true;
}

bool error_set(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, PLACE_NONE, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_at(struct error *error, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, place, format, arguments);
    va_end(arguments);
    return false;
}

void error_hide_line(struct error *error)
{
    error->source_line[0] = '\0';
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
    add_blanks(out, slice_of(error->source_line, error->caret));
    text_add_char(out, '^');
}

void error_describe_number(int number, char *words, size_t capacity)
{
    char room[128];
    snprintf(words, capacity, "%s", strerror_r(number, room, sizeof(room)));
    words[0] = ascii_lower(words[0]);
}
