#ifndef FLEXILIB_UPSTREAM_HEALTH_CHECKS_H
#define FLEXILIB_UPSTREAM_HEALTH_CHECKS_H

/* A worker's part in asking the servers of all upstreams how they are. Each server is asked by one worker at a time: by
 * the one that moves the time of the next check forward in the state that all share (base/server_state.h). It stays
 * with that worker as long as it keeps to the times; when it dies or drains, another one goes on. */

#include "upstream/server.h"

struct health_checks;

/* Begins; groups and resolver must outlive it, and the states of the servers are shared by now. */
struct health_checks *health_checks_create(struct loop *loop, struct resolver *resolver, struct server_group *groups,
                                           size_t group_count);

/* Stops, also in the middle of checks: others may begin these anew at once. NULL is fine. */
void health_checks_destroy(struct health_checks *checks);

#endif
