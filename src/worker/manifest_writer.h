#ifndef FLEXILIB_WORKER_MANIFEST_WRITER_H
#define FLEXILIB_WORKER_MANIFEST_WRITER_H

/* What a generation's first worker leaves in its snapshot, so that the supervisor can tell what differs between two
 * generations without reading a configuration: see process/manifest.h for its form. */

#include "config/settings.h"
#include "plan/plan.h"

/* Writes it; where that cannot be there is a warning, and nobody knows what has changed. */
void manifest_write(const char *snapshot, const struct settings *settings, struct source *source,
                    const struct plan *plan);

#endif
