#ifndef FLEXILIB_FILTER_RUNTIME_STATE_H
#define FLEXILIB_FILTER_RUNTIME_STATE_H

/* The inside of a runtime, for the files of filter/. Every exchange has a place in a table; a ticket is the place's
 * number and how many tickets it has given out, so an old ticket finds a place but never fits it. */

#include "filter/exchange.h"
#include "filter/runtime.h"
#include "filter/use.h"

#include <pthread.h>

struct runtime_place {
    struct exchange *exchange; /* NULL while nobody uses the place */
    uint64_t tickets;          /* given out so far */
    size_t next_free;          /* the number of the next free place, plus one; 0 ends the list */
};

struct letter {
    uint64_t ticket;
    void *result;
    void (*drop)(void *result);
};

struct letter_box {
    struct letter *items;
    size_t count;
    size_t capacity;
};

struct runtime {
    struct runtime_services services;
    struct slot *slot;
    size_t arena_bytes;
    struct runtime_place *places;
    size_t place_count;
    size_t place_capacity;
    size_t free_place; /* as next_free */
    size_t exchange_count;
    struct exchange *recycled; /* kept with their places; last in, first out */
    size_t recycled_count;
    pthread_mutex_t mutex; /* guards inbox, the only thing that other threads touch */
    struct letter_box inbox;
    struct letter_box reading; /* what is being delivered; its memory is swapped with the inbox's */
};

/* Gives the exchange a free place; aborts where there are more exchanges than tickets can tell apart. */
uint32_t runtime_add(struct runtime *runtime, struct exchange *exchange);
void runtime_remove(struct runtime *runtime, uint32_t place);

/* A ticket for that place that was never given out before. Never 0. */
uint64_t runtime_issue_ticket(struct runtime *runtime, uint32_t place);

/* Leaves a result for the exchange that waits with that ticket. [any thread] */
void runtime_post(struct runtime *runtime, uint64_t ticket, void *result, void (*drop)(void *result));

/* Tells the slot what is about to run, and that it has returned. request_id is in the slot's shape. */
static inline void runtime_enter(struct runtime *runtime, const struct use *use, enum slot_hook hook,
                                 const char request_id[SLOT_REQUEST_BYTES])
{
    struct slot *slot = runtime->slot;
    if (slot == NULL)
        return;
    memcpy(slot->filter, use->slot_name, sizeof(slot->filter));
    memcpy(slot->request, request_id, sizeof(slot->request));
    slot->hook = hook;
}

static inline void runtime_leave(struct runtime *runtime)
{
    if (runtime->slot != NULL)
        runtime->slot->hook = SLOT_HOOK_NONE;
}

#endif
