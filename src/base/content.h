#ifndef FLEXILIB_BASE_CONTENT_H
#define FLEXILIB_BASE_CONTENT_H

/* Numbers by which two looks at a file are compared: one for its bytes, one for what the file system says of it. Where
 * the second is the same, so are the bytes; where it is not, the first decides. Worker and supervisor tell each other
 * these. They keep accidents apart, not attackers: whoever may write the file may do worse. 0 is never the number of
 * anything. */

#include "base/slice.h"

#include <sys/stat.h>

enum {
    CONTENT_PIECE_BYTES = 64 * 1024,
};

struct content {
    uint64_t number;
    uint64_t length;
};

#define CONTENT_INIT ((struct content){0})

/* Adds what comes next. Every piece but the last has CONTENT_PIECE_BYTES: the same bytes in other pieces are another
 * number. */
void content_add(struct content *content, struct slice piece);

/* The number of all that was added. */
uint64_t content_number(const struct content *content);

/* The same for bytes that are all there. */
uint64_t content_of(struct slice bytes);

/* The number of what stat says: device, inode, size, and the times of changes. */
uint64_t content_of_status(const struct stat *status);

/* The number of a set of names, to which one is added; begin with 0. The order makes no difference. */
uint64_t content_add_name(uint64_t names, struct slice name);

#endif
