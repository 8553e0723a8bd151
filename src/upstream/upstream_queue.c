#include "upstream/upstream_queue.h"

enum {
    LOOK_MS = QUEUE_MARK_MS,
    /* For the queue that other workers leave places to, which are of no use meanwhile. */
    EAGER_LOOK_MS = 2,
    EAGER_AFTER_MS = 100,
};

/* The first for whom any place would do, or NULL. */
static const struct queue_place *find_first(const struct upstream_queue *queue)
{
    const struct queue_place *place = queue->first;
    while (place != NULL && place->is_choosy)
        place = place->next;
    return place;
}

static bool is_eager(const struct upstream_queue *queue)
{
    uint64_t now_ms = loop_now_ms(queue->loop);
    const struct queue_place *first = find_first(queue);
    return first != NULL && now_ms - first->since_ms >= EAGER_AFTER_MS && queue_mark_is_first(&queue->mark, now_ms);
}

static void await_next_look(struct upstream_queue *queue)
{
    if (queue->first != NULL)
        timer_start(queue->loop, &queue->timer, is_eager(queue) ? EAGER_LOOK_MS : LOOK_MS);
}

static void update_mark(struct upstream_queue *queue)
{
    const struct queue_place *first = find_first(queue);
    if (first != NULL)
        queue_mark_show(&queue->mark, first->since_ms, loop_now_ms(queue->loop));
    else
        queue_mark_clear(&queue->mark);
}

static void on_look(struct timer *timer)
{
    struct upstream_queue *queue = timer->data;
    queue->is_woken = false;
    for (struct queue_place *place = queue->first; place != NULL;) {
        if (place->on_turn(place))
            place = queue->first; /* anybody may have left */
        else
            place = place->is_choosy ? place->next : NULL;
    }
    update_mark(queue);
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
    place->since_ms = loop_now_ms(queue->loop);
    if (queue->last != NULL)
        queue->last->next = place;
    else
        queue->first = place;
    queue->last = place;
    ++queue->count;
    core_metrics_add(queue->metrics.queued, 1);
    update_mark(queue);
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
    core_metrics_add(queue->metrics.seconds, (double)(loop_now_ms(queue->loop) - place->since_ms) / 1e3);
    update_mark(queue);
    if (--queue->count == 0) {
        timer_stop(queue->loop, &queue->timer);
        queue->is_woken = false;
    }
}

bool upstream_queue_is_waited_in(const struct upstream_queue *queue)
{
    return find_first(queue) != NULL;
}

void upstream_queue_wake(struct upstream_queue *queue)
{
    if (queue->first == NULL || queue->is_woken)
        return;
    queue->is_woken = true;
    timer_start(queue->loop, &queue->timer, 0);
}
