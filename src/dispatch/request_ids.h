#ifndef FLEXILIB_DISPATCH_REQUEST_IDS_H
#define FLEXILIB_DISPATCH_REQUEST_IDS_H

/* What requests are called in logs, and by filters: sixteen digits each, no two of one dispatch alike, and those of
 * others only by an unlikely chance. */

#include "base/arena.h"

#include <stdint.h>

struct request_ids {
    uint64_t next;
};

/* Workers of one machine do not start alike. */
void request_ids_init(struct request_ids *ids);

/* The next one, in the arena. */
struct slice request_ids_make(struct request_ids *ids, struct arena *arena);

#endif
