#ifndef FLEXILIB_UPSTREAM_SERVER_CHOICE_H
#define FLEXILIB_UPSTREAM_SERVER_CHOICE_H

/* The choice among the servers of an upstream (server_group_choose): first who can be chosen at all, each with its
 * weight, then the upstream's kind of balancing.
 *
 * Servers that are no backups come first. Backups are asked only where all of the former are unhealthy, drained or have
 * been tried by the request at hand; one at its limit is none of these, and is waited for.
 *
 * Round-robin is smooth: each server earns its share of one request with each choice, the richest is chosen and pays
 * that request. Who cannot be chosen neither earns nor pays, so that it neither bursts nor starves afterwards.
 * Least-requests and random-two compare requests under way by weight; where these are equal, servers take turns, or
 * chance decides. For hashing see server_hash.h. */

#include "upstream/server.h"

/* Has the servers' turns begin at another one in each worker, lest all of them begin with the first. */
void server_group_stagger(struct server_group *group, uint32_t row);

#endif
