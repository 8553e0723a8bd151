#ifndef T_CONFORMANCE_SCRIPT_H
#define T_CONFORMANCE_SCRIPT_H

/* The language in which a request tells the conformance filters what to do. It is the same for each language that has
 * an SDK, and explained in t/lib/FlexiLib/Test/Conformance.pm. */

#include <flexilib/filter.h>

enum {
    MOST_WORDS = 6,
};

/* A command: its words without escapes; those that are not there are empty. */
struct command {
    struct flexilib_text words[MOST_WORDS];
};

/* Takes the next command for that hook off the script. False where there is none. The words are in memory of the
 * exchange. */
bool script_next(const struct flexilib_core *core, struct flexilib_exchange *exchange, struct flexilib_text *script,
                 const char *hook, struct command *command);

bool text_is(struct flexilib_text text, const char *other);
int64_t text_number(struct flexilib_text text);

#endif
