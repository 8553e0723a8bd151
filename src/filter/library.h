#ifndef FLEXILIB_FILTER_LIBRARY_H
#define FLEXILIB_FILTER_LIBRARY_H

/* A shared library that offers filters, opened for as long as the process lives: it is never dlclosed, since code of
 * many languages does not survive that. The only place that calls dlopen. */

#include "base/error.h"
#include "flexilib/filter.h"

struct library;

/* Opens the file at load_path, which messages call by path. Looks at the ELF header first, so that a truncated file, a
 * file for another machine and no library at all are named as such; then checks the symbol, version and sizes. Returns
 * NULL and fills error with what was found and what is needed. */
struct library *library_open(const char *load_path, const char *path, struct error *error);

/* Forgets the library without unloading it. NULL is fine. */
void library_close(struct library *library);

/* The path that messages call it by. */
const char *library_path(const struct library *library);

size_t library_filter_count(const struct library *library);
const struct flexilib_filter *library_filter(const struct library *library, size_t index);

/* The filter of that name; with an empty name the only one, or the one named like fallback. Returns NULL and fills
 * error, naming those there are; the place is the caller's. */
const struct flexilib_filter *library_find_filter(const struct library *library, struct slice name,
                                                  struct slice fallback, struct place place, struct error *error);

#endif
