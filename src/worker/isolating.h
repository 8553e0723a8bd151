#ifndef FLEXILIB_WORKER_ISOLATING_H
#define FLEXILIB_WORKER_ISOLATING_H

/* The runners that a worker needs for its isolated filters, one client for each. */

#include "config/settings.h"
#include "filter/runtime.h"
#include "net/loop.h"
#include "process/role.h"
#include "worker/uplink.h"

struct runner_client;

struct isolating {
    const struct settings *settings;
    struct loop *loop;
    struct uplink *uplink;
    const struct role *role;
    struct runner_client **clients; /* by the runner's number; NULL: nobody uses it */
};

/* Connects, and lets the runtime have filters isolated. Before any library is loaded. */
void isolating_open(struct isolating *isolating, const struct role *role, const struct settings *settings,
                    struct loop *loop, struct runtime *runtime, struct uplink *uplink);

/* Everything is ready: from here on processes that die are replaced. */
void isolating_serve(struct isolating *isolating);

/* What JOINED says. */
void isolating_join(struct isolating *isolating, const struct message *message);

/* When no use is left. */
void isolating_close(struct isolating *isolating);

#endif
