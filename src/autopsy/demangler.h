#ifndef FLEXILIB_AUTOPSY_DEMANGLER_H
#define FLEXILIB_AUTOPSY_DEMANGLER_H

/* Names of functions as people write them: what the C++ library makes of mangled symbols, and of those of Rust without
 * their hash. Where that library is not there, or does not know a symbol, it stays as it is. */

#include "base/text.h"

struct demangler {
    char *(*demangle)(const char *symbol, char *buffer, size_t *length, int *status); /* NULL: nobody does */
};

void demangler_load(struct demangler *demangler);

/* Adds the name; of a very long one the beginning. */
void demangler_print(const struct demangler *demangler, const char *symbol, struct text *out);

#endif
