#ifndef FLEXILIB_PROCESS_WANTED_H
#define FLEXILIB_PROCESS_WANTED_H

/* Files that are missing and would change what a generation does. Their folders, or the nearest ones that exist, are
 * watched; a file counts as there when its writer has closed it or it was moved or linked in. A copy that takes its
 * time may be seen early by a reload that something else caused; its end is noticed still, since a file stays wanted
 * until a generation serves that does not ask for it. */

#include "process/poller.h"

#include "base/slice.h"

#include <stddef.h>

struct wanted_file;

struct wanted {
    struct poller *poller;
    int fd; /* of inotify; -1 until the first file */
    struct poller_watch watch;
    struct wanted_file *first;
    bool has_appeared;
};

void wanted_init(struct wanted *wanted, struct poller *poller);
void wanted_finish(struct wanted *wanted);

/* Waits for the file at this absolute path on behalf of a generation. */
void wanted_add(struct wanted *wanted, struct slice path, unsigned generation);

/* Forgets what no generation from this number on has asked for. */
void wanted_keep(struct wanted *wanted, unsigned generation);

/* Says whether a wanted file has appeared since the last call. */
bool wanted_take(struct wanted *wanted);

#endif
