#include "config/text_position.h"

void text_position_init(struct text_position *position, const struct source_text *text)
{
    *position = (struct text_position){.text = text, .line = 1};
}

static bool is_inside_character(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

static void step(struct text_position *position)
{
    struct slice content = position->text->content;
    if (content.data[position->offset++] == '\n') {
        ++position->line;
        position->line_start = position->offset;
    }
    while (position->offset < content.length && is_inside_character((unsigned char)content.data[position->offset]))
        ++position->offset;
    ++position->character;
}

void text_position_to_character(struct text_position *position, size_t character)
{
    if (character < position->character)
        text_position_init(position, position->text);
    while (position->character < character && position->offset < position->text->content.length)
        step(position);
}

struct place text_position_place(const struct text_position *position)
{
    return (struct place){position->text, position->line, (unsigned)(position->offset - position->line_start) + 1};
}

struct place text_position_of_byte(const struct source_text *text, size_t offset)
{
    struct place place = {text, 1, 1};
    for (size_t i = 0; i < offset && i < text->content.length; ++i) {
        bool is_break = text->content.data[i] == '\n';
        place.line += is_break;
        place.column = is_break ? 1 : place.column + 1;
    }
    return place;
}
