#ifndef FLEXILIB_WORKER_SHARING_H
#define FLEXILIB_WORKER_SHARING_H

/* Asks the supervisor where in shared memory the servers of the settings stand. */

#include "config/settings.h"
#include "worker/uplink.h"

/* The numbers of all servers, in the order of the upstreams and of the servers in each; UINT32_MAX for one that has
 * none. The caller frees them. Before LOADING. */
uint32_t *sharing_number_servers(struct uplink *uplink, const struct settings *settings);

#endif
