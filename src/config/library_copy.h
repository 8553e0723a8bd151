#ifndef FLEXILIB_CONFIG_LIBRARY_COPY_H
#define FLEXILIB_CONFIG_LIBRARY_COPY_H

/* Private copies of libraries: whole ones, of one moment, that nobody reaches who writes to the original. So they are
 * copies of the bytes, never links. source.c alone uses it. */

#include "base/content.h"

struct library_copy {
    uint64_t content, status; /* of the original, as in base/content.h */
};

/* Copies the file at `from` to `to`, with the folders above it; mode 0700. Somebody who writes meanwhile has it copied
 * again, a few times. Returns false with errno set: ETXTBSY where it went on changing. */
bool library_copy(const char *from, const char *to, struct library_copy *copy);

#endif
