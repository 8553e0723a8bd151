#ifndef FLEXILIB_UPSTREAM_SERVER_COUNT_H
#define FLEXILIB_UPSTREAM_SERVER_COUNT_H

/* What is under way with servers, and their limits. Each worker counts for itself; where limits or the kind of
 * balancing ask for it, in its own row of shared memory too, so that all workers together are known. Only the worker
 * itself writes its row, and sums are taken when they are needed. max_requests is exact: a place is counted first and
 * given back where that was one too many. max_connections may be exceeded for a moment, by one for each worker that
 * opens one at the same time. */

#include "upstream/server.h"

/* Whether the group's servers have to be counted in shared memory. */
bool server_group_needs_counts(const struct server_group *group);

/* Requests under way with the server: of all workers where they are counted, otherwise of this one. */
uint64_t server_requests(const struct server *server);

/* Looks at how the group's own limits stand, which takes a while for many servers. Before server_is_busy. */
void server_group_look(struct server_group *group);

/* Whether a limit keeps a request from it just now: of requests, or of connections where it has no idle one. */
bool server_is_busy(const struct server *server);

/* Counts a request for the server_begin that follows. Returns false where that would be one too many. */
bool server_reserve(struct server *server);

/* Gives back what was reserved and not begun. */
void server_group_unreserve(struct server_group *group);

/* The same for a place that is left to another worker, with the idle connection that may stand in its way. */
void server_group_leave(struct server_group *group);

/* Where the workers tell each other who waits for the group's servers; NULL where they have no limits in common. */
uint64_t *server_group_waiting(const struct server_group *group);

/* The counting part of server_end. */
void server_count_end(struct server *server);

#endif
