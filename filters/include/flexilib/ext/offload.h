#ifndef FLEXILIB_EXT_OFFLOAD_H
#define FLEXILIB_EXT_OFFLOAD_H

/* Work that takes long, on threads that FlexiLib keeps for it: core->extension(core, FLEXILIB_OFFLOAD), in create.
 * Works for isolated filters; not there for those marked FLEXILIB_BLOCKING, which are on such a thread already.
 *
 * The pool is shared by all filters of a worker. Each library has a share of it (a quarter, see `pool` in the
 * configuration), and the queue in front of it is bounded, so one that floods it does not hold up the others. */

#include <flexilib/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_OFFLOAD "flexilib.offload/1"

struct flexilib_offload {
    size_t size;

    /* Runs work(data) on a thread of the pool, and then does core->resume(core, ticket, data, drop): the hook has
     * answered FLEXILIB_PAUSE meanwhile, and on_resume is given data. work knows its data and nothing else: no call of
     * the core is open to it but those marked [any thread]. Where the exchange ends before work has begun, only drop is
     * called; where it ends during work, drop is called after it. False, with nothing called, where the queue is full.
     * [loop] */
    bool (*run)(const struct flexilib_core *core, uint64_t ticket, void (*work)(void *data), void *data,
                void (*drop)(void *data));

    /* The same for work that belongs to the filter itself: done(filter, data) is called on the loop thread afterwards.
     * destroy is not called before work that has begun has ended; what has not begun then is dropped, by drop(data) if
     * that is not NULL. [loop] */
    bool (*run_for_filter)(const struct flexilib_core *core, void (*work)(void *data),
                           void (*done)(void *filter, void *data), void *data, void (*drop)(void *data));
};

#ifdef __cplusplus
}
#endif

#endif
