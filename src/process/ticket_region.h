#ifndef FLEXILIB_PROCESS_TICKET_REGION_H
#define FLEXILIB_PROCESS_TICKET_REGION_H

/* The ticket keys in shared memory (base/ticket_keys.h). The supervisor makes them of random bytes, a new one every
 * hour; workers get the region's descriptor and can only read. They are in no core dump. */

#include "base/ticket_keys.h"

struct ticket_region {
    int fd;
    struct ticket_keys *keys; /* NULL before open */
    uint64_t rotate_at_us;    /* on the monotonic clock */
};

/* Makes the region. Returns false with errno set. */
bool ticket_region_open(struct ticket_region *region) __attribute__((warn_unused_result));

/* Begins with the keys of a supervisor before us, in memory of our own: what others may only read is ours to read
 * alone. fd is closed. Where those are of another version there are new ones. Returns false with errno set where there
 * is no memory. */
bool ticket_region_adopt(struct ticket_region *region, int fd, uint64_t rotate_at_us)
    __attribute__((warn_unused_result));
void ticket_region_close(struct ticket_region *region);

/* Makes a new key where it is time for one. */
void ticket_region_step(struct ticket_region *region, uint64_t now_us);

/* In the worker: maps the region that fd stands for. NULL with errno set where that fails. */
const struct ticket_keys *ticket_region_attach(int fd);

#endif
