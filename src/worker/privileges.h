#ifndef FLEXILIB_WORKER_PRIVILEGES_H
#define FLEXILIB_WORKER_PRIVILEGES_H

/* Whom a worker becomes before it loads anything, and whether it may be who it is: nobody serves as root unless told
 * to, and no worker may change what root will read. */

#include "config/settings.h"
#include "process/role.h"
#include "worker/uplink.h"

/* Becomes the user that a sibling has found in the configuration: so this process never does anything as root. Returns
 * false and fills error. */
bool privileges_take_told(const struct role *role, struct error *error) __attribute__((warn_unused_result));

/* Becomes the user that the settings name, tells the supervisor, and gives him the snapshot. From then on no privilege
 * can be gained any more. Returns false and fills error: also where root is to serve and nobody has said that he may.
 */
bool privileges_take_configured(struct uplink *uplink, const struct role *role, const struct source *source,
                                const struct settings *settings, struct error *error)
    __attribute__((warn_unused_result));

#endif
