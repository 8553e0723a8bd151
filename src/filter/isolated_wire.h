#ifndef FLEXILIB_FILTER_ISOLATED_WIRE_H
#define FLEXILIB_FILTER_ISOLATED_WIRE_H

/* Numbers and texts as they stand in what a worker and a runner say to each other: both are the same program on the
 * same machine, so numbers are as they are in memory. Whoever reads believes nothing: what is too short or too long is
 * told apart from what is well formed, once, at the end. */

#include "base/arena.h"
#include "base/text.h"
#include "filter/headers.h"

/* What is still to be read. */
struct wire {
    struct slice rest;
    bool is_broken; /* something did not fit: all that was read since is zero or empty */
};

void wire_add_byte(struct text *out, uint8_t byte);
void wire_add_number(struct text *out, uint64_t number);
void wire_add_text(struct text *out, struct slice text);
void wire_add_headers(struct text *out, const struct headers *headers);

uint8_t wire_byte(struct wire *wire);
uint64_t wire_number(struct wire *wire);
/* Points into what is read. */
struct slice wire_text(struct wire *wire);
/* How many items follow, each of which takes least_bytes at least. */
size_t wire_count(struct wire *wire, size_t least_bytes);
/* The list is made in the arena, its texts point into what is read. */
void wire_headers(struct wire *wire, struct arena *arena, struct headers *headers);

/* Whether all was read, and all of it fitted. */
static inline bool wire_is_good(const struct wire *wire)
{
    return !wire->is_broken && wire->rest.length == 0;
}

#endif
