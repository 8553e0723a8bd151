#ifndef FLEXILIB_PROCESS_KEPT_SET_H
#define FLEXILIB_PROCESS_KEPT_SET_H

/* The snapshot that is kept on disk, in a folder of state_folder.h: `last-good` is a link to the folder that holds it,
 * so that it is replaced in one step, and one that is being written is never taken for whole:
 *
 *     last-good -> set.XXXXXX
 *     set.XXXXXX/snapshot/    as a generation has left it
 *     set.XXXXXX/about        fields as in control_message.h: version, when (Unix time in milliseconds), the
 *                             generation's number, uid, gid, and name of the user that its workers run as
 *     lock                    held while one is written */

#include "base/error.h"
#include "process/held_snapshot.h"

struct kept_set {
    uint64_t kept_ms; /* wall clock */
    unsigned generation;
};

/* Puts the snapshot in the place of the one that is kept, unless they are the same: *is_written says. It takes as long
 * as the disk does. Returns false and fills error; then the old one is still there. */
bool kept_set_write(const char *folder, const struct held_snapshot *snapshot, bool *is_written, struct error *error)
    __attribute__((warn_unused_result));

/* Copies what is kept into an empty snapshot, and tells about it. Returns false and fills error. */
bool kept_set_read(const char *folder, struct held_snapshot *snapshot, struct kept_set *about, struct error *error)
    __attribute__((warn_unused_result));

#endif
