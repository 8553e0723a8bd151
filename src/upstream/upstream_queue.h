#ifndef FLEXILIB_UPSTREAM_UPSTREAM_QUEUE_H
#define FLEXILIB_UPSTREAM_UPSTREAM_QUEUE_H

/* Requests of one worker that wait until a server of their upstream has room, first come first served. Their turn comes
 * when this worker has given something back (upstream_queue_wake), and every few milliseconds, since other workers give
 * back too: which of their queues comes first is told by the mark. How long one waits is its own business. */

#include "net/loop.h"
#include "net/queue_mark.h"
#include "upstream/upstream_metrics.h"

struct queue_place {
    struct queue_place *previous, *next;
    /* Takes its chance: returns whether the request has gone on, having left the queue; never from within another call
     * of the queue. */
    bool (*on_turn)(struct queue_place *place);
    void *data;
    bool is_choosy;    /* not any place would do: where it gets none, those behind it may */
    bool is_waiting;   /* the queue's, */
    uint64_t since_ms; /* since then */
};

struct upstream_queue {
    struct loop *loop;
    struct queue_place *first, *last;
    size_t count;
    struct timer timer;
    bool is_woken;
    struct queue_mark mark;
    struct queue_metrics metrics;
};

void upstream_queue_init(struct upstream_queue *queue, struct loop *loop);

/* Puts a place, whose on_turn and data are set, at the end. */
void upstream_queue_add(struct upstream_queue *queue, struct queue_place *place);

/* Harmless where it does not wait. */
void upstream_queue_remove(struct upstream_queue *queue, struct queue_place *place);

/* Whether somebody waits who would go wherever there is room, and so comes before whoever comes now. */
bool upstream_queue_is_waited_in(const struct upstream_queue *queue);

/* Has the first ones take their chance in the loop's next turn. Costs nothing while nobody waits. */
void upstream_queue_wake(struct upstream_queue *queue);

#endif
