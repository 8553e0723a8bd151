#ifndef FLEXILIB_CONFIG_SUBSTITUTION_H
#define FLEXILIB_CONFIG_SUBSTITUTION_H

/* Environment variables in scalars: ${NAME}, ${NAME:-default} where the variable may be unset or empty, and $${ for a
 * literal ${. */

#include "base/arena.h"
#include "base/error.h"
#include "config/source.h"

struct substitution {
    struct source *source;
    struct arena *arena;
    struct error *error;
    /* Gives the place of what the message is about, the `${...` as written, in the scalar that is being worked on. */
    struct place (*find_place)(const void *context, struct slice written);
    const void *context;
};

/* Puts the variables into text. *result is text itself where it names none, else in the arena. */
bool substitution_apply(const struct substitution *substitution, struct slice text, struct slice *result);

#endif
