#ifndef FLEXILIB_HTTP_LIST_BACKWARDS_H
#define FLEXILIB_HTTP_LIST_BACKWARDS_H

/* The items of a list that each proxy on the way has added to at the end, last one first. So what a client has put in
 * front, be it ever so malformed, has no influence on how the rest is read. Commas inside of quotes separate nothing.
 */

#include "filter/headers.h"

struct list_backwards {
    const struct headers *headers;
    struct slice name;
    size_t line;       /* how many of the fields are still to come */
    struct slice rest; /* of the one at hand */
};

/* Reads all fields of that name as one list. headers must not change meanwhile. */
struct list_backwards list_backwards_start(const struct headers *headers, struct slice name);

/* Gives the next item that is not empty, trimmed. Returns false where there is none. */
bool list_backwards_next(struct list_backwards *list, struct slice *item);

/* Takes the last item off a text: returns it trimmed and leaves what stands in front of its separator. */
struct slice list_backwards_take(struct slice *rest, char separator);

#endif
