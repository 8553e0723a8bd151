#ifndef FLEXILIB_FILTER_OFFLOAD_H
#define FLEXILIB_FILTER_OFFLOAD_H

/* The extension offload: what it does is told in flexilib/ext/offload.h. A job belongs to the use that has left it to
 * the pool; one that ends a pause also belongs to its exchange, which forgets it when it ends. On the loop thread. */

#include "base/slot.h"
#include "flexilib/ext/offload.h"

struct pool_line;
struct use;

struct offload_task {
    void (*work)(void *data); /* on a thread of the pool */
    void (*drop)(void *data); /* where nobody takes data; NULL is fine */
    void *data;
    struct pool_line *line; /* as in a pool_job */
    enum slot_hook hook;    /* as what the slot tells of it */
};

/* Has the work done for the pause that ends with that ticket; false where the pool is full. */
bool offload_run(struct use *use, uint64_t ticket, const struct offload_task *task) __attribute__((warn_unused_result));

/* The use ends: what has not begun for it will not, and what has is waited for. */
void offload_end(struct use *use);

extern const struct flexilib_offload offload_table;

#endif
