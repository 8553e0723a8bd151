#include "proxy/upstream_queue.h"

enum {
    LOOK_MS = 15,
};

static void await_next_look(struct upstream_queue *queue)
{
    if (queue->first != NULL)
        timer_start(queue->loop, &queue->timer, LOOK_MS);
}

static void on_look(struct timer *timer)
{
    struct upstream_queue *queue = timer->data;
    queue->is_woken = false;
    while (queue->first != NULL && queue->first->on_turn(queue->first))
        continue;
    if (!queue->is_woken)
        await_next_look(queue);
}

void upstream_queue_init(struct upstream_queue *queue, struct loop *loop)
{
    *queue = (struct upstream_queue){.loop = loop, .timer = {.on_timeout = on_look, .data = queue}};
}

void upstream_queue_add(struct upstream_queue *queue, struct queue_place *place)
{
    place->previous = queue->last;
    place->next = NULL;
    place->is_waiting = true;
    if (queue->last != NULL)
        queue->last->next = place;
    else
        queue->first = place;
    queue->last = place;
    ++queue->count;
    if (queue->timer.position == 0)
        await_next_look(queue);
}

void upstream_queue_remove(struct upstream_queue *queue, struct queue_place *place)
{
    if (!place->is_waiting)
        return;
    if (place->previous != NULL)
        place->previous->next = place->next;
    else
        queue->first = place->next;
    if (place->next != NULL)
        place->next->previous = place->previous;
    else
        queue->last = place->previous;
    place->previous = place->next = NULL;
    place->is_waiting = false;
    if (--queue->count == 0) {
        timer_stop(queue->loop, &queue->timer);
        queue->is_woken = false;
    }
}

void upstream_queue_wake(struct upstream_queue *queue)
{
    if (queue->first == NULL || queue->is_woken)
        return;
    queue->is_woken = true;
    timer_start(queue->loop, &queue->timer, 0);
}
