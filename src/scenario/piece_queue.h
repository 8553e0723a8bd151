#ifndef FLEXILIB_SCENARIO_PIECE_QUEUE_H
#define FLEXILIB_SCENARIO_PIECE_QUEUE_H

/* The pieces of a body on their way to somebody who asks for them one by one. */

#include "scenario/content.h"

struct piece_queue {
    struct slice *items;
    size_t count;
    size_t capacity;
    size_t taken;
    bool is_complete; /* no more is added */
    bool is_over;     /* the last one was taken */
};

/* Adds pieces as they are, or cut into pieces of chunk_bytes where that is not 0. Of a very long one only the beginning
 * and the end are cut so: more would take long and prove nothing. They are not copied. */
void piece_queue_add(struct piece_queue *queue, struct arena *arena, const struct content *content, size_t chunk_bytes);

/* No more comes. */
void piece_queue_complete(struct piece_queue *queue);

/* Takes the next piece, which may be empty where it is the last one. False while there is none. */
bool piece_queue_take(struct piece_queue *queue, struct slice *piece, bool *last);

#endif
