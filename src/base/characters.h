#ifndef FLEXILIB_BASE_CHARACTERS_H
#define FLEXILIB_BASE_CHARACTERS_H

/* Text as people see it: characters in UTF-8, and the columns they take on a terminal. Knows no locale; what is not
 * well-formed counts bytewise. */

#include "base/slice.h"

/* The bytes of the well-formed character that text begins with, or 0. */
size_t character_length(struct slice text);

/* The columns that one well-formed character takes: 0 for those that stand above another, 2 for wide ones, else 1. */
unsigned character_width(struct slice character);

/* Whether a terminal might obey it instead of showing it. */
bool character_is_control(struct slice character);

#endif
