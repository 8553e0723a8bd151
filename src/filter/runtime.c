#include "filter/runtime_state.h"

#include "base/alloc.h"
#include "filter/exchange_state.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PLACE_BITS = 24,
};

struct runtime *runtime_create(const struct runtime_services *services, struct slot *slot, size_t arena_bytes)
{
    struct runtime *runtime = mem_zalloc(sizeof(*runtime));
    runtime->services = *services;
    runtime->slot = slot;
    runtime->arena_bytes = arena_bytes;
    pthread_mutex_init(&runtime->mutex, NULL);
    return runtime;
}

static void drop_letters(struct letter_box *box)
{
    for (size_t i = 0; i < box->count; ++i) {
        if (box->items[i].drop != NULL)
            box->items[i].drop(box->items[i].result);
    }
    free(box->items);
}

void runtime_enter_library(struct runtime *runtime, struct slice name)
{
    struct slot *slot = runtime->slot;
    if (slot == NULL)
        return;
    snprintf(slot->filter, sizeof(slot->filter), "%.*s", SLICE_ARG(name));
    slot->request[0] = '\0';
    slot->hook = SLOT_HOOK_LOAD;
}

void runtime_leave_library(struct runtime *runtime)
{
    runtime_leave(runtime);
}

void runtime_destroy(struct runtime *runtime)
{
    if (runtime == NULL)
        return;
    /* a thread may still be on its way out of runtime_post */
    pthread_mutex_lock(&runtime->mutex);
    struct letter_box left = runtime->inbox;
    runtime->inbox = (struct letter_box){0};
    pthread_mutex_unlock(&runtime->mutex);
    drop_letters(&left);
    free(runtime->reading.items);
    exchange_free_recycled(runtime);
    free(runtime->places);
    pthread_mutex_destroy(&runtime->mutex);
    free(runtime);
}

size_t runtime_exchange_count(const struct runtime *runtime)
{
    return runtime->exchange_count;
}

uint32_t runtime_add(struct runtime *runtime, struct exchange *exchange)
{
    size_t place = runtime->place_count;
    if (runtime->free_place != 0) {
        place = runtime->free_place - 1;
        runtime->free_place = runtime->places[place].next_free;
        runtime->places[place].exchange = exchange;
        return (uint32_t)place;
    }
    if (place >> PLACE_BITS != 0)
        abort();
    runtime->places = mem_grow(runtime->places, place, &runtime->place_capacity, sizeof(runtime->places[0]));
    runtime->places[place] = (struct runtime_place){.exchange = exchange};
    ++runtime->place_count;
    return (uint32_t)place;
}

void runtime_remove(struct runtime *runtime, uint32_t place)
{
    runtime->places[place].exchange = NULL;
    runtime->places[place].next_free = runtime->free_place;
    runtime->free_place = place + 1;
}

uint64_t runtime_issue_ticket(struct runtime *runtime, uint32_t place)
{
    return ++runtime->places[place].tickets << PLACE_BITS | place;
}

void runtime_post(struct runtime *runtime, uint64_t ticket, void *result, void (*drop)(void *result))
{
    pthread_mutex_lock(&runtime->mutex);
    struct letter_box *inbox = &runtime->inbox;
    inbox->items = mem_grow(inbox->items, inbox->count, &inbox->capacity, sizeof(inbox->items[0]));
    inbox->items[inbox->count++] = (struct letter){.ticket = ticket, .result = result, .drop = drop};
    /* under the mutex: the loop could otherwise deliver, drain and destroy the runtime before the wake */
    if (inbox->count == 1)
        runtime->services.wake(runtime->services.context);
    pthread_mutex_unlock(&runtime->mutex);
}

static void deliver_letter(struct runtime *runtime, const struct letter *letter)
{
    uint64_t place = letter->ticket & ((UINT64_C(1) << PLACE_BITS) - 1);
    struct exchange *exchange = place < runtime->place_count ? runtime->places[place].exchange : NULL;
    bool is_taken = exchange != NULL && exchange_resume(exchange, letter->ticket, letter->result, letter->drop);
    if (!is_taken && letter->drop != NULL)
        letter->drop(letter->result);
}

void runtime_run_mailbox(struct runtime *runtime)
{
    struct letter_box *reading = &runtime->reading;
    pthread_mutex_lock(&runtime->mutex);
    struct letter_box emptied = *reading;
    *reading = runtime->inbox;
    runtime->inbox = emptied;
    pthread_mutex_unlock(&runtime->mutex);
    for (size_t i = 0; i < reading->count; ++i)
        deliver_letter(runtime, &reading->items[i]);
    reading->count = 0;
}
