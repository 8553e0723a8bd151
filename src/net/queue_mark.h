#ifndef FLEXILIB_NET_QUEUE_MARK_H
#define FLEXILIB_NET_QUEUE_MARK_H

/* Whose turn it is when requests of several workers wait for the same upstream. Each worker has a queue of its own, so
 * a place that one gives back would go to its own requests again and again, and those of the others would wait in vain.
 * So the queue whose first request has waited longest says since when, in shared memory, and says it again as long as
 * that is so. Who finds a place although another queue has waited for much longer leaves it to that one. He does not do
 * so for long: should the other not take it, because its worker hangs or the place is none for it, it is his. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_mark {
    uint64_t *shared; /* server_state.waiting; NULL: no other worker's requests wait for the same */
    uint32_t since_ms;
    bool is_waiting;   /* since then */
    uint32_t other_ms; /* the other, by the time since when it waits, that places are left to */
    bool is_leaving;   /* places to it, or has done so in vain, */
    uint32_t left_ms;  /* since then */
};

/* The first request of this queue waits since then. To be called again every QUEUE_MARK_MS at least. */
void queue_mark_show(struct queue_mark *mark, uint64_t since_ms, uint64_t now_ms);

/* Nobody waits here any more. */
void queue_mark_clear(struct queue_mark *mark);

/* Whether no other queue has waited longer. */
bool queue_mark_is_first(const struct queue_mark *mark, uint64_t now_ms);

/* Whether a queue of any worker, this one or another, has a mark there. NULL is fine. */
bool queue_mark_is_set(const uint64_t *shared, uint64_t now_ms);

/* Whether a place that was found is to be left to another queue by a request that has come at that time. */
bool queue_mark_leaves(struct queue_mark *mark, uint64_t since_ms, uint64_t now_ms);

enum {
    QUEUE_MARK_MS = 15,
};

#endif
