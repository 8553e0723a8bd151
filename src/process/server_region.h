#ifndef FLEXILIB_PROCESS_SERVER_REGION_H
#define FLEXILIB_PROCESS_SERVER_REGION_H

/* The shared memory in which all workers, of all generations, keep what they know about servers. The supervisor makes
 * it once, and its size is sealed; each worker gets its descriptor. It is sparse: the supervisor maps the states alone
 * and reaches for counts by pread and pwrite, so that looking at what nobody counts takes no memory. Numbers that are
 * passed are below SERVER_STATES_COUNT. */

#include "base/server_state.h"

#include <stdbool.h>

struct server_region {
    int fd;
    struct server_states *states; /* mapped as far as the counts; NULL before open */
    uint32_t rows_used;           /* what workers cannot change */
};

/* Makes the region. Returns false with errno set. */
bool server_region_open(struct server_region *region) __attribute__((warn_unused_result));

/* Takes over the region of a supervisor before us. Returns false, the descriptor being the caller's still, where it is
 * of another version. */
bool server_region_adopt(struct server_region *region, int fd, uint32_t rows_used) __attribute__((warn_unused_result));
void server_region_close(struct server_region *region);

/* A worker is about to use the row. */
void server_region_use_row(struct server_region *region, uint32_t row);

/* Forgets what a worker that is gone had under way with a server. */
void server_region_clear_row(struct server_region *region, uint32_t row, uint32_t number);

/* Makes a server's state and counts as new. */
void server_region_wipe(struct server_region *region, uint32_t number);

/* What stands there now: whatever workers have made of it. */
struct server_state server_region_read(const struct server_region *region, uint32_t number);

/* What all workers together have under way; modulo 2^32. */
struct server_count server_region_count(const struct server_region *region, uint32_t number);

/* Whether any worker has counted for it. */
bool server_region_is_counted(const struct server_region *region, uint32_t number);

void server_region_drain(struct server_region *region, uint32_t number, bool is_drained);

/* In the worker: maps all of the region that fd stands for. NULL where it is none of this version. */
struct server_states *server_region_attach(int fd);

#endif
