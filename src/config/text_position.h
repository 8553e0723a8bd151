#ifndef FLEXILIB_CONFIG_TEXT_POSITION_H
#define FLEXILIB_CONFIG_TEXT_POSITION_H

/* Turns positions in a text, told in characters as libyaml does, into places with line and column. Going forward is
 * cheap, so that a file is walked over once; going back starts again from the front. */

#include "base/error.h"

struct text_position {
    const struct source_text *text;
    size_t character;
    size_t offset;
    size_t line_start;
    unsigned line;
};

void text_position_init(struct text_position *position, const struct source_text *text);

/* Moves to the character (UTF-8) of that number, counted from 0, or to the end where there are fewer. */
void text_position_to_character(struct text_position *position, size_t character);

struct place text_position_place(const struct text_position *position);

/* The place of one byte, for messages: the text need not be UTF-8. */
struct place text_position_of_byte(const struct source_text *text, size_t offset);

#endif
