#ifndef FLEXILIB_FILTER_COOKIE_H
#define FLEXILIB_FILTER_COOKIE_H

/* Cookies that a client sends (RFC 6265 section 4.2): NAME=VALUE pairs with ";" between them, in one Cookie field or
 * several. What does not have that form is passed over. */

#include "filter/headers.h"

/* The value of the first cookie of that name (names have case) that is not empty, without quotes around it; empty where
 * there is none. Lives as long as the header it stands in. */
struct slice cookie_find(const struct headers *headers, struct slice name);

#endif
