#ifndef FLEXILIB_SCENARIO_CONTENT_H
#define FLEXILIB_SCENARIO_CONTENT_H

/* Bytes as a scenario tells them: a text, a list of pieces, or a mapping that says how to come by them. Used for
 * bodies, and for all that is compared with what was seen. */

#include "config/node.h"

struct content {
    bool is_written; /* false: the file does not say */
    bool is_like;    /* a pattern of one piece, in which "*" stands for any bytes, or none */
    const struct slice *pieces;
    size_t count;
    size_t length; /* of all pieces */
};

struct content_reader {
    struct source *source;
    struct arena *arena;
    struct error *error;
    const char *key;  /* what the content stands under, for messages */
    bool may_be_like; /* it is compared with something */
};

/* Returns false and fills error. */
bool content_read(const struct content_reader *reader, const struct node *node, struct content *content);

/* All of it in one piece, which lives in the arena or is the only one there is. */
struct slice content_join(const struct content *content, struct arena *arena);

/* Whether seen is what the content says, all of it. */
bool content_matches(const struct content *content, struct slice seen);

/* Whether seen may still become what the content says when more comes. */
bool content_may_match(const struct content *content, struct slice seen);

#endif
