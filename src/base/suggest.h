#ifndef FLEXILIB_BASE_SUGGEST_H
#define FLEXILIB_BASE_SUGGEST_H

/* "Did you mean": the known word nearest to a misspelt one. */

#include "base/slice.h"

struct suggest {
    struct slice wanted;
    struct slice best;
    unsigned distance;
};

/* Starts a search for the word nearest to wanted. Offer it every known word, then ask for the result. */
struct suggest suggest_start(struct slice wanted);
void suggest_offer(struct suggest *suggest, struct slice known);

/* The nearest word offered, or an empty slice where none is near enough to be what was meant. Lives as long as what was
 * offered. */
struct slice suggest_result(const struct suggest *suggest);

/* Room for suggest_phrase's text. */
enum {
    SUGGEST_PHRASE_BYTES = 160,
};

/* Writes " (did you mean 'best'?)" or an empty text into phrase and returns it, ready for "%s" at a message's end. */
const char *suggest_phrase(const struct suggest *suggest, char phrase[SUGGEST_PHRASE_BYTES]);

#endif
