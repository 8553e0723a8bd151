#ifndef FLEXILIB_FILTER_LIBRARY_OWN_H
#define FLEXILIB_FILTER_LIBRARY_OWN_H

/* What only filter/ itself needs to know of a library. */

#include <stddef.h>

struct library;

/* The step from one flexilib_value to the next, as the library was built; today's for NULL, which stands for filters
 * that are part of the program itself. */
size_t library_value_size(const struct library *library);

#endif
