#ifndef FLEXILIB_FILTER_BELONGING_H
#define FLEXILIB_FILTER_BELONGING_H

/* What goes when that goes which it belongs to: a use's timers and fetches, and those of an exchange. A belonging is
 * embedded in what it ends, and stands in one list at most; zero bytes stand in none. */

#include <stddef.h>

struct belonging {
    struct belonging *next;
    struct belonging **link; /* that points to it; NULL: it stands in no list */
    /* It stands in no list any more, and may be freed. */
    void (*end)(struct belonging *belonging);
};

static inline void belonging_join(struct belonging **list, struct belonging *belonging)
{
    belonging->next = *list;
    belonging->link = list;
    if (*list != NULL)
        (*list)->link = &belonging->next;
    *list = belonging;
}

/* Fine where it stands in no list. */
static inline void belonging_leave(struct belonging *belonging)
{
    if (belonging->link == NULL)
        return;
    *belonging->link = belonging->next;
    if (belonging->next != NULL)
        belonging->next->link = belonging->link;
    belonging->link = NULL;
}

/* Ends them all, those that join meanwhile too. */
static inline void belongings_end(struct belonging **list)
{
    while (*list != NULL) {
        struct belonging *belonging = *list;
        belonging_leave(belonging);
        belonging->end(belonging);
    }
}

#endif
