#ifndef JWT_BEARER_H
#define JWT_BEARER_H

/* Where in a request its token stands. */

#include <flexilib/filter.h>

struct bearer_places {
    struct flexilib_text header; /* empty: none is looked at; likewise the others */
    struct flexilib_text cookie;
    struct flexilib_text query;
};

enum bearer_result {
    BEARER_NONE = 0,
    BEARER_FOUND,
    BEARER_AMBIGUOUS, /* several: who is behind us might read another one than was judged here */
};

struct bearer {
    struct flexilib_text token;
    struct flexilib_text field; /* the name of the one that it stands in; empty: it is not in that one */
};

/* Looks for tokens in all places: in the header field, which for others than Authorization may leave "Bearer" out, in
 * cookies, and in the query. A field that comes twice is ambiguous, and so are tokens that differ. The field may be
 * written with "_" in the place of "-" too: programs behind a CGI-like interface cannot tell the two apart. */
enum bearer_result bearer_find(const struct bearer_places *places, const struct flexilib_core *core,
                               struct flexilib_exchange *exchange, struct bearer *bearer);

#endif
