#ifndef FLEXILIB_FILTER_NUMBERS_H
#define FLEXILIB_FILTER_NUMBERS_H

/* Numbers in the place of pointers, for what filters hold of ours: an old one finds nothing, whatever has taken its
 * place. Zero bytes are an empty table. */

#include <stddef.h>
#include <stdint.h>

struct number_place {
    void *object;     /* NULL while nobody has the place */
    uint64_t uses;    /* so far */
    size_t next_free; /* the number of the next free place, plus one; 0 ends the list */
};

struct numbers {
    struct number_place *places;
    size_t count, capacity;
    size_t free_place; /* as next_free */
};

void numbers_finish(struct numbers *numbers);

/* A number for the object, which was never given before. Never 0. */
uint64_t numbers_give(struct numbers *numbers, void *object);

/* What has that number; NULL where nothing has, or nothing any more. */
void *numbers_find(const struct numbers *numbers, uint64_t number);

/* Takes the number back, which something has. */
void numbers_take(struct numbers *numbers, uint64_t number);

#endif
