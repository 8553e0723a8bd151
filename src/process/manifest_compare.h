#ifndef FLEXILIB_PROCESS_MANIFEST_COMPARE_H
#define FLEXILIB_PROCESS_MANIFEST_COMPARE_H

/* What differs between what two generations run, for people. */

#include "base/text.h"
#include "process/manifest.h"

enum {
    MANIFEST_CHANGES = 200, /* that are told one by one */
};

/* Adds a line for each difference, routes in the order in which they stand, to changes:
 *
 *     change SIGN KIND NAME OLD NEW
 *
 * SIGN is +, - or ~; OLD and NEW are the digests of libraries and files, and where routes stand. Adds all of them in
 * one phrase to summary: "1 route added, 1 library changed", "nothing changed". Returns whether there is any. */
bool manifest_compare(const struct manifest *old, const struct manifest *new, struct text *changes,
                      struct text *summary);

/* Whether two snapshots have the same libraries, with what these need. */
bool manifest_has_same_libraries(const char *snapshot, const char *other);

#endif
