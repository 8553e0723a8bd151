#ifndef FLEXILIB_FILTER_REQUEST_PARTS_H
#define FLEXILIB_FILTER_REQUEST_PARTS_H

/* Parts of a request that do not stand in its head as such: the host without its port, a parameter of the query. For
 * templates and redirects. What has to be made is made in the arena that is given. */

#include "filter/exchange.h"

/* What the client calls us, or a filter has set, without the port: in brackets where it is an IPv6 address. Empty where
 * nobody has said. */
struct slice request_host(const struct request_head *request);

/* The port behind it; what the scheme has for its own where there is none. */
struct slice request_port(const struct request_head *request);

/* The value of the query's first parameter of that name, decoded as forms are written ("+" is a blank, "%41" is "A"). A
 * value in which control characters come out, and one that is not there, are empty. */
struct slice request_parameter(const struct request_head *request, struct slice name, struct arena *arena);

#endif
