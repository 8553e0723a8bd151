#ifndef REPLACE_SCANNER_H
#define REPLACE_SCANNER_H

/* Finds texts in a stream that comes in pieces, and writes others in their places. What could be the beginning of a
 * text is held back until more has come: less than the longest text, so memory is bounded whatever the stream is. */

#include <stdbool.h>
#include <stddef.h>

/* One text and what stands in its place. Where several begin at one byte, the first in the list wins. */
struct rule {
    const char *from, *to;
    size_t from_length, to_length; /* from_length is at least 1 */
};

struct rules {
    const struct rule *items;
    size_t count;
    size_t longest;     /* of all from_length */
    bool ignores_case;  /* of the letters a to z */
    bool is_first[256]; /* whether a text begins with that byte */
};

/* Fills longest and is_first for the items that are there. */
void rules_prepare(struct rules *rules);

struct scanner {
    const struct rules *rules;
    char *held; /* the caller's memory: 2 * rules->longest bytes */
    size_t held_length;
    size_t replaced; /* how many texts so far */
    void (*write)(void *target, const char *data, size_t length);
    void *target;
};

/* Takes the next piece; with last set, what is held back is written too. */
void scanner_take(struct scanner *scanner, const char *data, size_t length, bool last);

#endif
