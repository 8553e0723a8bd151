#ifndef FLEXILIB_RUNNER_PROGRESS_H
#define FLEXILIB_RUNNER_PROGRESS_H

/* How far a runner has come with the calls of one worker, in memory that both have: so that the worker knows, when the
 * runner has died, which of its calls it had begun. All others can be made again elsewhere, and harm nobody. The worker
 * makes it, and seals its size; it believes nothing that stands there for more than that. */

#include "base/slot.h"

#include <stdbool.h>

struct progress {
    _Atomic uint64_t begun;        /* number of the last call that was begun */
    char late[SLOT_REQUEST_BYTES]; /* the request for which a call takes so long that the runner ends itself */
};

/* Makes one, and sends it by the socket, as the first byte there. Returns NULL with errno set. */
struct progress *progress_offer(int fd);

/* Takes that byte, which has come, and maps what came with it. Returns NULL where it is none. */
struct progress *progress_accept(int fd);

/* Says for which request a call takes too long; and whether it is that one. */
void progress_tell_late(struct progress *progress, const char request[SLOT_REQUEST_BYTES]);
bool progress_is_late(const struct progress *progress, struct slice request);

/* NULL is fine. */
void progress_close(struct progress *progress);

#endif
