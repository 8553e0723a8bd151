#ifndef FLEXILIB_PROCESS_SUPERVISION_REGION_H
#define FLEXILIB_PROCESS_SUPERVISION_REGION_H

/* What the supervisor says of itself, in shared memory (base/supervision.h). It never reads back anything but its own
 * counts. Workers map the region for reading alone; it is not sealed against more, since a program that takes over goes
 * on in the same memory, which workers that live on have mapped. */

#include "base/supervision.h"

struct supervision_region {
    int fd;
    struct supervision *supervision; /* NULL before open */
};

/* Makes the region. Returns false with errno set. */
bool supervision_region_open(struct supervision_region *region) __attribute__((warn_unused_result));

/* Goes on with the region of the supervisor before us, whose descriptor is taken over. One of another version is left,
 * with its counts, for a new one. Returns false with errno set where there is no memory. */
bool supervision_region_adopt(struct supervision_region *region, int fd) __attribute__((warn_unused_result));
void supervision_region_close(struct supervision_region *region);

/* In the worker: maps the region that fd stands for. NULL with errno set where that fails. */
const struct supervision *supervision_region_attach(int fd);

#endif
