#include "net/queue_mark.h"

enum {
    FRESH_MS = 250,     /* a mark that was not renewed for longer is that of a worker that hangs or is dead */
    MOST_LAG_MS = 5000, /* workers learn the time when they wake up */
    SLACK_MS = 100,     /* so much longer must the other have waited */
    LEAVING_MS = 50,    /* how long places are left to it, */
    IGNORING_MS = 500,  /* and for how long they are not when that was in vain */
};

/* Both in one word, so that they change together: since when, and when that was last said. Modulo 2^32. */
static uint64_t pack(uint32_t since_ms, uint32_t said_ms)
{
    return (uint64_t)since_ms << 32 | said_ms;
}

static int32_t difference(uint32_t later_ms, uint32_t earlier_ms)
{
    return (int32_t)(later_ms - earlier_ms);
}

/* Returns false where no queue has a mark that counts. */
static bool find_since(uint64_t value, uint32_t now_ms, uint32_t *since_ms)
{
    int32_t age_ms = difference(now_ms, (uint32_t)value);
    *since_ms = (uint32_t)(value >> 32);
    return value != 0 && age_ms <= FRESH_MS && age_ms >= -MOST_LAG_MS;
}

static uint64_t load(const struct queue_mark *mark)
{
    return __atomic_load_n(mark->shared, __ATOMIC_RELAXED);
}

void queue_mark_show(struct queue_mark *mark, uint64_t since_ms, uint64_t now_ms)
{
    if (mark->shared == NULL)
        return;
    uint32_t since, before_ms = mark->since_ms;
    bool was_waiting = mark->is_waiting;
    mark->since_ms = (uint32_t)since_ms;
    mark->is_waiting = true;
    uint64_t value = load(mark);
    bool is_others = find_since(value, (uint32_t)now_ms, &since) && difference((uint32_t)since_ms, since) > 0 &&
                     !(was_waiting && since == before_ms);
    /* who has just overtaken it says so again soon */
    if (!is_others)
        __atomic_compare_exchange_n(mark->shared, &value, pack((uint32_t)since_ms, (uint32_t)now_ms), false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void queue_mark_clear(struct queue_mark *mark)
{
    if (!mark->is_waiting)
        return;
    mark->is_waiting = false;
    uint64_t value = load(mark);
    if ((uint32_t)(value >> 32) == mark->since_ms)
        __atomic_compare_exchange_n(mark->shared, &value, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

bool queue_mark_is_first(const struct queue_mark *mark, uint64_t now_ms)
{
    uint32_t since;
    return mark->is_waiting &&
           (!find_since(load(mark), (uint32_t)now_ms, &since) || difference(since, mark->since_ms) >= 0);
}

bool queue_mark_is_set(const uint64_t *shared, uint64_t now_ms)
{
    uint32_t since;
    return shared != NULL && find_since(__atomic_load_n(shared, __ATOMIC_RELAXED), (uint32_t)now_ms, &since);
}

bool queue_mark_leaves(struct queue_mark *mark, uint64_t since_ms, uint64_t now_ms)
{
    uint32_t since;
    if (mark->shared == NULL || !find_since(load(mark), (uint32_t)now_ms, &since) ||
        difference((uint32_t)since_ms, since) <= SLACK_MS)
        return false;
    int32_t time_ms = difference((uint32_t)now_ms, mark->left_ms);
    if (!mark->is_leaving || since != mark->other_ms || time_ms > IGNORING_MS) {
        mark->is_leaving = true;
        mark->other_ms = since;
        mark->left_ms = (uint32_t)now_ms;
        return true;
    }
    return time_ms <= LEAVING_MS;
}
