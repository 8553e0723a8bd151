#ifndef FLEXILIB_LISTEN_ACCEPT_SHARE_H
#define FLEXILIB_LISTEN_ACCEPT_SHARE_H

/* This worker's share of the new connections: it leaves them to its siblings, the accepting workers of its generation,
 * while it has more than they have on average, by an eighth of that and at least by two. What siblings have stands in
 * their slots.
 *
 * Whoever waits must be accepted by somebody, though. At any time a worker has no more than the average; a sibling that
 * does not get on (its loop stands still while we ask time and again) counts no longer until it does; and where nobody
 * accepts for reasons of its own, this worker does after a while. */

#include "base/slot.h"

#include <stdbool.h>
#include <stddef.h>

struct accept_share;

/* slots must outlive it; number is this worker's own among them. They are taken in order, so few of them are read. */
struct accept_share *accept_share_create(const struct slot *slots, size_t count, size_t number);

/* NULL is fine. */
void accept_share_destroy(struct accept_share *share);

/* Says whether a connection that waits is ours to accept. Where not, to be asked again about a millisecond later, if
 * one waits then. */
bool accept_share_allows(struct accept_share *share, uint64_t now_ms);

#endif
