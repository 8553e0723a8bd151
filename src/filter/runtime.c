#include "filter/runtime_state.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "filter/exchange_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PLACE_BITS = 24,
    CROWD_TOLD_EVERY_US = 1000000,
};

static const struct pool_settings usual_pool = {.threads = 64, .queue = 1024, .share_percent = 25};

struct runtime *runtime_create(const struct runtime_services *services, struct slot *slot, size_t arena_bytes)
{
    struct runtime *runtime = mem_zalloc(sizeof(*runtime));
    runtime->services = *services;
    runtime->loop_thread = pthread_self();
    runtime->slot = slot;
    runtime->arena_bytes = arena_bytes;
    runtime->pool_settings = usual_pool;
    pthread_mutex_init(&runtime->mutex, NULL);
    dictionary_names_init(&runtime->dictionary_names);
    filter_metrics_init(&runtime->filter_metrics);
    TAILQ_INIT(&runtime->kept_back);
    return runtime;
}

void runtime_limit_pool(struct runtime *runtime, const struct pool_settings *settings)
{
    runtime->pool_settings = *settings;
}

void runtime_show_threads(struct runtime *runtime, struct slot_threads *threads)
{
    runtime->threads = threads;
}

static struct slot_call *find_call(const struct runtime *runtime, unsigned thread)
{
    return runtime->threads == NULL || thread >= SLOT_THREADS ? NULL : &runtime->threads->calls[thread];
}

/* It needs no system call. */
static void show_clock(int32_t *shown)
{
    clockid_t clock;
    if (pthread_getcpuclockid(pthread_self(), &clock) == 0)
        __atomic_store_n(shown, clock, __ATOMIC_RELAXED);
}

void runtime_enter_thread(struct runtime *runtime, unsigned thread, const struct use *use, enum slot_hook hook,
                          const struct slot_request *request)
{
    struct slot_call *call = find_call(runtime, thread);
    if (call == NULL)
        return;
    show_clock(&runtime->threads->clocks[thread]);
    __atomic_fetch_add(&runtime->threads->turns[thread], 1, __ATOMIC_RELAXED);
    runtime_show_call(call, use, hook, request);
    uint32_t count = __atomic_load_n(&runtime->threads->count, __ATOMIC_RELAXED);
    while (count <= thread && !__atomic_compare_exchange_n(&runtime->threads->count, &count, thread + 1, true,
                                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void runtime_leave_thread(struct runtime *runtime, unsigned thread)
{
    fork_guard_check();
    struct slot_call *call = find_call(runtime, thread);
    if (call != NULL)
        call->hook = SLOT_HOOK_NONE;
}

static void wake_loop(void *context)
{
    const struct runtime *runtime = context;
    runtime->services.wake(runtime->services.context);
}

struct runtime_share *runtime_share_of(struct runtime *runtime, const struct use *use)
{
    const struct library_settings *declared = use->declared;
    struct runtime_share *share;
    LIST_FOREACH(share, &runtime->shares, entry)
    {
        if (share->library == use->library)
            return share;
    }
    if (runtime->pool == NULL)
        runtime->pool = pool_create(&runtime->pool_settings, wake_loop, runtime);
    share = mem_zalloc(sizeof(*share));
    share->library = use->library;
    pool_share_init(&share->share, runtime->pool,
                    declared != NULL && declared->has_share ? declared->share_percent : 0);
    pool_line_init(&share->line);
    LIST_INSERT_HEAD(&runtime->shares, share, entry);
    return share;
}

bool runtime_has_jobs(const struct runtime *runtime)
{
    const struct runtime_share *share;
    LIST_FOREACH(share, &runtime->shares, entry)
    {
        if (share->share.pending != 0)
            return true;
    }
    return false;
}

static void end_pool(struct runtime *runtime)
{
    pool_destroy(runtime->pool);
    while (!LIST_EMPTY(&runtime->shares)) {
        struct runtime_share *share = LIST_FIRST(&runtime->shares);
        LIST_REMOVE(share, entry);
        free(share);
    }
}

static void drop_letters(struct letter_box *box)
{
    for (size_t i = 0; i < box->count; ++i) {
        if (box->items[i].drop != NULL)
            box->items[i].drop(box->items[i].result);
    }
    free(box->items);
}

void runtime_use_decodings(struct runtime *runtime, const struct decoding_services *services, void *context)
{
    runtime->decoding_services = services;
    runtime->decoding_context = context;
}

void runtime_use_timers(struct runtime *runtime, const struct timer_services *services, void *context)
{
    runtime->timer_services = services;
    runtime->timer_context = context;
}

void runtime_use_isolation(struct runtime *runtime, const struct isolation_services *services, void *context)
{
    runtime->isolation = services;
    runtime->isolation_context = context;
}

bool runtime_isolates(const struct runtime *runtime)
{
    return runtime->isolation != NULL;
}

struct library *runtime_open_isolated(struct runtime *runtime, const struct runner_settings *runner, const char *path,
                                      struct error *error)
{
    return runtime->isolation->open(runtime->isolation_context, runner, path, error);
}

void runtime_use_metrics(struct runtime *runtime, struct metrics *metrics)
{
    runtime->filter_metrics.shared = metrics;
}

void runtime_use_core_metrics(struct runtime *runtime, struct core_metrics *core)
{
    runtime->core_metrics = core;
}

void runtime_use_dictionary(struct runtime *runtime, struct dictionary_store *store)
{
    runtime->dictionary_names.store = store;
}

void runtime_show_progress(struct runtime *runtime)
{
    if (runtime->slot != NULL)
        __atomic_store_n(&runtime->slot->turns, runtime->slot->turns + 2, __ATOMIC_RELAXED);
}

void runtime_enter_library(struct runtime *runtime, struct slice name)
{
    struct slot *slot = runtime->slot;
    if (slot == NULL)
        return;
    runtime_show_progress(runtime);
    __atomic_store_n(&slot->called, slot->called + 1, __ATOMIC_RELAXED);
    snprintf(slot->call.filter, sizeof(slot->call.filter), "%.*s", SLICE_ARG(name));
    slot->call.request = slot_no_request;
    slot->call.hook = SLOT_HOOK_LOAD;
}

struct slot_call runtime_mark(const struct runtime *runtime)
{
    return runtime->slot == NULL ? (struct slot_call){.hook = SLOT_HOOK_NONE} : runtime->slot->call;
}

void runtime_restore(struct runtime *runtime, const struct slot_call *mark)
{
    if (runtime->slot != NULL)
        runtime->slot->call = *mark;
}

void runtime_leave_library(struct runtime *runtime)
{
    runtime_leave(runtime);
}

void runtime_destroy(struct runtime *runtime)
{
    if (runtime == NULL)
        return;
    end_pool(runtime);
    /* a thread may still be on its way out of runtime_post */
    pthread_mutex_lock(&runtime->mutex);
    struct letter_box left = runtime->inbox;
    runtime->inbox = (struct letter_box){0};
    pthread_mutex_unlock(&runtime->mutex);
    drop_letters(&left);
    free(runtime->reading.items);
    exchange_free_recycled(runtime);
    free(runtime->places);
    numbers_finish(&runtime->timer_numbers);
    dictionary_names_finish(&runtime->dictionary_names);
    numbers_finish(&runtime->fetches.numbers);
    filter_metrics_finish(&runtime->filter_metrics);
    hook_counts_finish(&runtime->hook_counts);
    pthread_mutex_destroy(&runtime->mutex);
    free(runtime);
}

size_t runtime_exchange_count(const struct runtime *runtime)
{
    return runtime->exchange_count;
}

uint32_t runtime_add(struct runtime *runtime, struct exchange *exchange, uint64_t *tickets)
{
    size_t place = runtime->place_count;
    if (runtime->free_place != 0) {
        place = runtime->free_place - 1;
        runtime->free_place = runtime->places[place].next_free;
    } else {
        if (place >> PLACE_BITS != 0)
            abort();
        runtime->places = mem_grow(runtime->places, place, &runtime->place_capacity, sizeof(runtime->places[0]));
        runtime->places[place] = (struct runtime_place){0};
        ++runtime->place_count;
    }
    runtime->places[place].exchange = exchange;
    *tickets = runtime->places[place].tickets;
    return (uint32_t)place;
}

void runtime_remove(struct runtime *runtime, uint32_t place, uint64_t tickets)
{
    runtime->places[place] = (struct runtime_place){.tickets = tickets, .next_free = runtime->free_place};
    runtime->free_place = place + 1;
}

uint64_t runtime_make_ticket(uint32_t place, uint64_t number)
{
    return number << PLACE_BITS | place;
}

void runtime_post(struct runtime *runtime, const struct letter *letter)
{
    pthread_mutex_lock(&runtime->mutex);
    struct letter_box *inbox = &runtime->inbox;
    inbox->items = mem_grow(inbox->items, inbox->count, &inbox->capacity, sizeof(inbox->items[0]));
    inbox->items[inbox->count++] = *letter;
    /* under the mutex: the loop could otherwise deliver, drain and destroy the runtime before the wake */
    if (inbox->count == 1)
        runtime->services.wake(runtime->services.context);
    pthread_mutex_unlock(&runtime->mutex);
}

struct exchange *runtime_find(const struct runtime *runtime, uint64_t ticket)
{
    uint64_t place = ticket & ((UINT64_C(1) << PLACE_BITS) - 1);
    return place < runtime->place_count ? runtime->places[place].exchange : NULL;
}

const struct upstream_settings *runtime_find_upstream(const struct runtime *runtime, struct slice name)
{
    const struct settings *settings = runtime->services.settings;
    return settings == NULL ? NULL : settings_find_upstream(settings, name);
}

void runtime_deliver(struct runtime *runtime, const struct letter *letter)
{
    uint64_t ticket = letter->ticket;
    struct exchange *exchange = ticket == RUNTIME_NO_TICKET ? NULL : runtime_find(runtime, ticket);
    if (exchange != NULL && exchange_is_leased(exchange)) {
        exchange_keep_letter(exchange, letter);
        return;
    }
    bool is_taken = exchange != NULL && exchange_resume(exchange, letter);
    if (!is_taken && letter->drop != NULL)
        letter->drop(letter->result);
}

void runtime_tell_crowd(struct runtime *runtime, const struct use *use, struct slice request_id)
{
    struct runtime_share *share = runtime_share_of(runtime, use);
    uint64_t now_us = clock_monotonic_us();
    ++share->untold_requests;
    if (share->crowd_told_us != 0 && now_us - share->crowd_told_us < CROWD_TOLD_EVERY_US)
        return;
    log_line(LOG_LEVEL_ERROR,
             "filter '%.*s': has no thread left, nor a place to wait for one (%" PRIu64 " request%s, the last is %.*s)",
             SLICE_ARG(use->name), share->untold_requests, share->untold_requests == 1 ? "" : "s",
             SLICE_ARG(request_id));
    share->crowd_told_us = now_us;
    share->untold_requests = 0;
}

void runtime_settle(struct runtime *runtime)
{
    while (runtime->lease_count != 0) {
        pool_wait_done(runtime->pool);
        runtime_run_mailbox(runtime);
    }
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
        runtime_deliver(runtime, &reading->items[i]);
    reading->count = 0;
    if (runtime->pool != NULL)
        pool_run_done(runtime->pool);
}
