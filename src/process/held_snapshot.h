#ifndef FLEXILIB_PROCESS_HELD_SNAPSHOT_H
#define FLEXILIB_PROCESS_HELD_SNAPSHOT_H

/* A generation's snapshot for as long as somebody needs it: the generation that was made from it, whichever is started
 * from it once more, and the list of those that one can go back to. The last user's release removes its folder. */

#include "process/snapshots.h"

#include <stdbool.h>
#include <stdint.h>

struct held_snapshot {
    unsigned users;
    unsigned number;  /* of the generation that it was made for */
    char *folder;     /* NULL: it could not be made */
    bool is_recorded; /* all that it was made from is in it */
    /* Wall clock: since when what is in it serves; that an unchanged one took over does not count, nor does one with
     * the same libraries once it is kept for those in front of it. 0: it never has. */
    uint64_t served_since_ms;
    char *user; /* whom the workers run as, or NULL */
    uint32_t uid, gid;
};

/* Makes an empty one; the caller is its first user. Where that cannot be, its folder is NULL and errno tells why. */
struct held_snapshot *held_snapshot_create(struct snapshots *snapshots, unsigned number);

/* One more user. Returns the snapshot itself. */
struct held_snapshot *held_snapshot_use(struct held_snapshot *snapshot);

/* NULL is fine. */
void held_snapshot_release(struct held_snapshot *snapshot);

#endif
