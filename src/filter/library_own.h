#ifndef FLEXILIB_FILTER_LIBRARY_OWN_H
#define FLEXILIB_FILTER_LIBRARY_OWN_H

/* What only filter/ itself needs to know of a library. */

#include <stdbool.h>
#include <stddef.h>

struct flexilib_filter;
struct isolated_filter;
struct library;
struct original;

/* The step from one flexilib_value to the next, as the library was built; today's for NULL, which stands for filters
 * that are part of the program itself. */
size_t library_value_size(const struct library *library);

/* Whether the library was built when a request's body came in one call, and is still to get it so. */
bool library_wants_whole_requests(const struct library *library);

/* What it exports where it is one of the original's. */
const struct original *library_original(const struct library *library);

/* Whether its filters are stand-ins for those of another process; and what is behind one of them. */
bool library_is_isolated(const struct library *library);
const struct isolated_filter *library_isolated(const struct library *library, const struct flexilib_filter *filter);

#endif
