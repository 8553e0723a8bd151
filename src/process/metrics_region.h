#ifndef FLEXILIB_PROCESS_METRICS_REGION_H
#define FLEXILIB_PROCESS_METRICS_REGION_H

/* The shared memory of metrics (base/metrics_table.h). The supervisor makes it once, sparse and with its size sealed,
 * clears what workers that are gone had in gauges, and reads it for who asks. */

#include "base/metrics.h"
#include "base/text.h"

#include <sys/types.h>

struct metrics_region {
    int fd;
    struct metrics_table *table; /* mapped as far as the metrics; NULL before open */
    uint32_t rows_used;          /* what workers cannot change */
};

/* Makes the region. Returns false with errno set. */
bool metrics_region_open(struct metrics_region *region) __attribute__((warn_unused_result));

/* Takes over the region of a supervisor before us. Returns false, the descriptor being the caller's still, where it is
 * of another version. */
bool metrics_region_adopt(struct metrics_region *region, int fd, uint32_t rows_used)
    __attribute__((warn_unused_result));
void metrics_region_close(struct metrics_region *region);

/* A worker with this slot is about to start, or is dead. */
void metrics_region_start(struct metrics_region *region, int slot);
void metrics_region_bury(struct metrics_region *region, int slot);

/* Adds all metrics as text, as the generation that serves has declared them. Returns false with errno set. */
bool metrics_region_print(const struct metrics_region *region, uint32_t serving, struct text *out)
    __attribute__((warn_unused_result));

/* In the worker: maps the region that fd stands for. NULL with errno set where it is none of this version. */
struct metrics_table *metrics_region_attach(int fd);

#endif
