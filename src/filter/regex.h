#ifndef FLEXILIB_FILTER_REGEX_H
#define FLEXILIB_FILTER_REGEX_H

/* Regular expressions in options of filters: compiled once, when the filter is created, and matched on the way of
 * requests, on any thread. How long one match may take is bounded, whatever the pattern and the text. The only place
 * that knows PCRE2.
 *
 * Patterns match bytes; one that begins with (*UTF) matches characters, and bytes that are no UTF-8 match nothing. */

#include "base/slice.h"
#include "flexilib/filter.h"

/* Why a pattern cannot be compiled. */
struct regex_problem {
    char words[160];
    size_t offset; /* in bytes, where it was noticed */
};

/* Returns NULL and fills problem where the pattern is wrong. */
struct flexilib_regex *regex_create(struct slice pattern, struct regex_problem *problem);

/* NULL is fine. */
void regex_destroy(struct flexilib_regex *regex);

/* What core->match does. */
size_t regex_match(const struct flexilib_regex *regex, struct slice text, size_t from, struct flexilib_text *groups,
                   size_t count);

#endif
