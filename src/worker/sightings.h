#ifndef FLEXILIB_WORKER_SIGHTINGS_H
#define FLEXILIB_WORKER_SIGHTINGS_H

/* Tells the supervisor what a generation's first worker has read, so that it can watch that. */

#include "config/settings.h"
#include "worker/uplink.h"

struct sightings {
    struct uplink *uplink;
    enum watch_mode mode;
};

/* Tells of what the source has seen so far, and from now on of each thing before it is used: of those kinds that the
 * settings want watched. settings may be NULL, where they could not be read: then it tells of everything. sightings
 * must outlive the source. */
void sightings_begin(struct sightings *sightings, struct uplink *uplink, struct source *source,
                     const struct settings *settings);

#endif
