#ifndef FLEXILIB_BASE_TREE_COPY_H
#define FLEXILIB_BASE_TREE_COPY_H

/* Copies a folder that somebody else may write to: goes by descriptors, follows no link, and takes nothing but folders
 * and regular files of the folder's own owner. Everything is written through to the disk. */

#include "base/error.h"

/* Copies what is in the folder `from` into the folder `to`, which exists; the copies are ours alone, executable where
 * the originals are. Returns false and fills error. */
bool tree_copy(const char *from, const char *to, struct error *error) __attribute__((warn_unused_result));

#endif
