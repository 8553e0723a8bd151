#ifndef FLEXILIB_FILTER_RUNTIME_H
#define FLEXILIB_FILTER_RUNTIME_H

/* What all filters of a worker share: the exchanges that live, the mailbox in which other threads leave their resumes,
 * and the services that the layer above provides. One per worker; created before the first use, destroyed after the
 * last. */

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct runtime;
struct slot;

struct runtime_services {
    /* Makes the loop call runtime_run_mailbox soon. [any thread] */
    void (*wake)(void *context);
    void *context;
};

/* slot, where not NULL, is told which filter and hook runs, for a post mortem; arena_bytes is what an exchange has
 * ready. */
struct runtime *runtime_create(const struct runtime_services *services, struct slot *slot, size_t arena_bytes);
void runtime_destroy(struct runtime *runtime);

/* Tells the slot that this library is being loaded, which may run code of it; and that it no longer is. */
void runtime_enter_library(struct runtime *runtime, struct slice name);
void runtime_leave_library(struct runtime *runtime);

/* Delivers what other threads have left. On the loop thread. */
void runtime_run_mailbox(struct runtime *runtime);

/* How many exchanges live. */
size_t runtime_exchange_count(const struct runtime *runtime);

#endif
