#ifndef FLEXILIB_WORKER_DIGEST_H
#define FLEXILIB_WORKER_DIGEST_H

/* SHA-256 of what a generation is made from, in hexadecimal: what two generations have in common is found by it, and it
 * is what `sha256sum` says of the file. The only place in worker/ that knows OpenSSL. */

#include "base/slice.h"

#include <stdbool.h>

enum {
    DIGEST_TEXT_BYTES = 65,
};

struct digest;

struct digest *digest_create(void);
void digest_add(struct digest *digest, struct slice data);

/* Adds its length too, so that what follows cannot be taken for a part of it. */
void digest_add_item(struct digest *digest, struct slice item);

/* Writes the digest and frees it. */
void digest_finish(struct digest *digest, char text[DIGEST_TEXT_BYTES]);

/* The digest of a regular file. Returns false with errno set. */
bool digest_file(const char *path, char text[DIGEST_TEXT_BYTES]);

#endif
