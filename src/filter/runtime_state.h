#ifndef FLEXILIB_FILTER_RUNTIME_STATE_H
#define FLEXILIB_FILTER_RUNTIME_STATE_H

/* The inside of a runtime, for the files of filter/. Every exchange has a place in a table; a ticket is the place's
 * number and how many tickets it has given out, so an old ticket finds a place but never fits it. */

#include "base/fork_guard.h"
#include "filter/dictionary.h"
#include "filter/exchange.h"
#include "filter/filter_fetches.h"
#include "filter/filter_metrics.h"
#include "filter/numbers.h"
#include "filter/pool.h"
#include "filter/runtime.h"
#include "filter/timer_services.h"
#include "filter/use.h"

#include <pthread.h>

struct runtime_place {
    struct exchange *exchange; /* NULL while nobody uses the place */
    uint64_t tickets;          /* given out before; how many by now, the exchange itself knows */
    size_t next_free;          /* the number of the next free place, plus one; 0 ends the list */
};

struct letter {
    uint64_t ticket;
    void *result;
    void (*drop)(void *result);
    const struct use *sender; /* whose code has called core->resume; NULL: this is ours */
};

struct letter_box {
    struct letter *items;
    size_t count;
    size_t capacity;
};

/* What a library has of the pool. */
struct runtime_share {
    const struct library *library;
    struct pool_share share;
    struct pool_line line;    /* for calls that must not overlap */
    uint64_t crowd_told_us;   /* when the log was last told that there is no thread */
    uint64_t untold_requests; /* that have found none since */
    LIST_ENTRY(runtime_share) entry;
};

struct runtime {
    struct runtime_services services;
    pthread_t loop_thread;
    struct slot *slot;
    struct slot_threads *threads; /* NULL: nobody wants to know */
    size_t arena_bytes;
    struct runtime_place *places;
    size_t place_count;
    size_t place_capacity;
    size_t free_place; /* as next_free */
    size_t exchange_count;
    struct exchange *recycled; /* kept with their places; last in, first out */
    size_t recycled_count;
    pthread_mutex_t mutex; /* guards inbox and deferred, the only things that other threads touch */
    struct letter_box inbox;
    struct use *deferred;      /* uses that were not ready when they were created */
    struct letter_box reading; /* what is being delivered; its memory is swapped with the inbox's */
    const struct decoding_services *decoding_services; /* NULL: nobody provides them */
    void *decoding_context;
    const struct timer_services *timer_services; /* NULL: nobody provides them */
    void *timer_context;
    struct numbers timer_numbers;
    struct pool_settings pool_settings;
    struct pool *pool; /* NULL until somebody has work for it */
    LIST_HEAD(runtime_shares, runtime_share) shares;
    size_t lease_count; /* exchanges that threads have */
    struct dictionary_names dictionary_names;
    struct filter_fetches fetches;
    struct filter_metrics filter_metrics;
    struct exclusive_uses exclusive; /* in the order of creation */
    bool puts_off_exclusive;         /* their create */
    bool keeps_exchanges;            /* new ones, of some of them */
    struct kept_exchanges kept_back;
    struct core_metrics *core_metrics; /* NULL: nobody counts what hooks do */
    struct hook_counts_list hook_counts;
    const struct isolation_services *isolation; /* NULL: all filters run in this process */
    void *isolation_context;
};

/* Gives the exchange a free place, and says how many tickets for it were given out; aborts where there are more
 * exchanges than tickets can tell apart. */
uint32_t runtime_add(struct runtime *runtime, struct exchange *exchange, uint64_t *tickets);
void runtime_remove(struct runtime *runtime, uint32_t place, uint64_t tickets);

/* That place's ticket of that number, which counts from 1. Never 0. [any thread] */
uint64_t runtime_make_ticket(uint32_t place, uint64_t number);

enum {
    RUNTIME_NO_TICKET = 0, /* which nobody waits with: the result is dropped, on the loop thread */
};

/* Writes to the log, now and then, that a filter finds no thread. */
void runtime_tell_crowd(struct runtime *runtime, const struct use *use, struct slice request_id);

/* The exchange whose place the ticket is for, perhaps a later one than it was given for; NULL where there is none. */
struct exchange *runtime_find(const struct runtime *runtime, uint64_t ticket);

/* Leaves a result for the exchange that waits with that ticket. [any thread] */
void runtime_post(struct runtime *runtime, const struct letter *letter);

/* The upstream of that name, NULL where there is none. */
const struct upstream_settings *runtime_find_upstream(const struct runtime *runtime, struct slice name);

/* Delivers one such result at once. On the loop thread. */
void runtime_deliver(struct runtime *runtime, const struct letter *letter);

/* What the use's library has of the pool. */
struct runtime_share *runtime_share_of(struct runtime *runtime, const struct use *use);

static inline void runtime_show_call(struct slot_call *call, const struct use *use, enum slot_hook hook,
                                     const struct slot_request *request)
{
    memcpy(call->filter, use->slot_name, sizeof(call->filter));
    call->request = *request;
    call->hook = hook;
}

/* Tells the slot what is about to run, and that it has returned. */
static inline void runtime_enter(struct runtime *runtime, const struct use *use, enum slot_hook hook,
                                 const struct slot_request *request)
{
    struct slot *slot = runtime->slot;
    if (slot == NULL)
        return;
    __atomic_store_n(&slot->called, slot->called + 1, __ATOMIC_RELAXED);
    runtime_show_call(&slot->call, use, hook, request);
}

/* Between calls that are told apart by nothing else, at a start: by a beat of the loop, which does not run. */
void runtime_show_progress(struct runtime *runtime);

static inline void runtime_leave(struct runtime *runtime)
{
    fork_guard_check();
    if (runtime->slot != NULL)
        runtime->slot->call.hook = SLOT_HOOK_NONE;
}

/* The same for what runs on that thread of the pool. [any thread] */
void runtime_enter_thread(struct runtime *runtime, unsigned thread, const struct use *use, enum slot_hook hook,
                          const struct slot_request *request);
void runtime_leave_thread(struct runtime *runtime, unsigned thread);

/* What the slot says, for code of a filter that may be called from within other code of one. */
struct slot_call runtime_mark(const struct runtime *runtime);
void runtime_restore(struct runtime *runtime, const struct slot_call *mark);

#endif
