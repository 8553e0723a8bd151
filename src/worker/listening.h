#ifndef FLEXILIB_WORKER_LISTENING_H
#define FLEXILIB_WORKER_LISTENING_H

/* Asks the supervisor for the sockets that the settings name, and puts a refusal into words. */

#include "config/settings.h"
#include "worker/uplink.h"

/* The listening socket of the listener with this number; the caller's. Returns -1 and fills error with the listener's
 * place. */
int listening_open(struct uplink *uplink, size_t index, const struct listener_settings *listener, struct error *error);

#endif
