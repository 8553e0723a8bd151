#ifndef FLEXILIB_WORKER_ADMINISTERING_H
#define FLEXILIB_WORKER_ADMINISTERING_H

/* Opens a worker's admin listener, with all that it tells of. */

#include "proxy/admin_answers.h"
#include "proxy/proxy.h"
#include "worker/uplink.h"

/* Gives the proxy its admin listener, where the settings want one. Nobody has asked for the usual address: where that
 * cannot be opened, is_first says whether this worker is the one to warn of it. Returns false and fills error with the
 * listener's place. */
bool administering_open(struct proxy *proxy, struct uplink *uplink, const struct settings *settings,
                        const struct admin_sources *sources, bool is_first, struct error *error);

#endif
