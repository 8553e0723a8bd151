#ifndef FLEXILIB_FILTER_HEADERS_H
#define FLEXILIB_FILTER_HEADERS_H

/* An ordered list of header fields. Names keep the case they came in and compare without case. Texts are borrowed: they
 * live in the arena of the exchange the list belongs to. */

#include "base/arena.h"

struct header {
    struct slice name;
    struct slice value;
};

struct headers {
    struct header *items;
    size_t count;
    size_t capacity;
};

/* The first field of that name, or NULL. Valid until the list changes. */
struct header *headers_find(const struct headers *headers, struct slice name);

/* Adds a field at the end; the texts are not copied. */
void headers_add(struct headers *headers, struct arena *arena, struct slice name, struct slice value);

/* Replaces the first field of that name and removes the others, or adds one; the texts are not copied. */
void headers_set(struct headers *headers, struct arena *arena, struct slice name, struct slice value);

/* Removes every field of that name and returns how many there were. */
size_t headers_remove(struct headers *headers, struct slice name);

/* RFC 9110 section 5.1: a token. */
bool header_is_name(struct slice name);

/* RFC 9110 section 5.5, as strict as a sender must be: no control characters but TAB, no blanks at the ends. */
bool header_is_value(struct slice value);

/* Fields that frame a message or belong to one connection (RFC 9110 section 7.6.1, RFC 9112): FlexiLib's own business,
 * never in a list that a filter sees, never forwarded. */
bool header_is_hop_by_hop(struct slice name);

#endif
