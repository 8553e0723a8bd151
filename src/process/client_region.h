#ifndef FLEXILIB_PROCESS_CLIENT_REGION_H
#define FLEXILIB_PROCESS_CLIENT_REGION_H

/* The shared memory in which workers count clients' connections (base/client_counts.h). The supervisor makes it once,
 * sparse and with its size sealed, maps its beginning alone, and empties the rows of workers that are gone. */

#include "base/client_counts.h"

struct client_region {
    int fd;
    struct client_counts *counts; /* mapped as far as the rows; NULL before open */
    uint32_t rows_used;           /* what workers cannot change */
};

/* Makes the region. Returns false with errno set. */
bool client_region_open(struct client_region *region) __attribute__((warn_unused_result));

/* Takes over the region of a supervisor before us. Returns false, the descriptor being the caller's still, where it is
 * of another version. */
bool client_region_adopt(struct client_region *region, int fd, uint32_t rows_used) __attribute__((warn_unused_result));
void client_region_close(struct client_region *region);

/* Gives a worker an empty row; those with larger numbers than there are rows count for themselves. */
void client_region_start_row(struct client_region *region, int row);

/* Forgets what a worker that is gone had counted. */
void client_region_clear_row(struct client_region *region, int row);

/* In the worker: maps all of the region that fd stands for. NULL with errno set where it is none of this version. */
struct client_counts *client_region_attach(int fd);

#endif
