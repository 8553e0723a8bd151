#ifndef FLEXILIB_PROCESS_SNAPSHOTS_H
#define FLEXILIB_PROCESS_SNAPSHOTS_H

/* The folder in which a supervisor keeps what its generations were made from: one numbered folder for each, filled by
 * the generation's first worker. It stands where files may be executed, since libraries are loaded from it. A lock on
 * the folder tells a living owner, so that what a killed supervisor left can be swept by the next one. */

#include "base/error.h"

struct snapshots {
    char *folder; /* NULL before open */
    int lock_fd;
};

/* Finds a place ($FLEXILIB_RUNTIME_DIR where that is set; otherwise $XDG_RUNTIME_DIR/flexilib unless we are root,
 * /run/flexilib, /var/tmp, /tmp), sweeps leftovers there and makes the folder. Returns false and fills error, naming
 * what is wrong with each place. */
bool snapshots_open(struct snapshots *snapshots, struct error *error) __attribute__((warn_unused_result));

/* Removes everything. */
void snapshots_close(struct snapshots *snapshots);

/* Makes the empty folder of a generation, mode 0700. The caller frees the path. NULL with errno set. */
char *snapshots_create(struct snapshots *snapshots, unsigned number);

/* Removes the folders in place that dead supervisors left there. */
void snapshots_sweep(const char *place);

/* Makes a supervisor's own folder in place and locks it. Returns false with errno set: EPERM where nothing may be
 * executed there. */
bool snapshots_open_in(struct snapshots *snapshots, const char *place) __attribute__((warn_unused_result));

#endif
