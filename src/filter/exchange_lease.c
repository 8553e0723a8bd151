#include "base/alloc.h"
#include "filter/exchange_state.h"
#include "filter/isolated_own.h"
#include "filter/trace.h"

#include <stdlib.h>

/* The client may leave before the hook returns, and what belongs to its connection goes with it. Once for an exchange:
 * nothing of that changes any more. */
static void own_surroundings(struct exchange *exchange)
{
    struct arena *arena = &exchange->arena;
    struct lease *lease = &exchange->state->lease;
    if (lease->client_request != NULL)
        return;
    STAILQ_INIT(&lease->letters);
    exchange->peer_address = arena_copy(arena, exchange->peer_address);
    exchange->proxy_address = arena_copy(arena, exchange->proxy_address);
    exchange->local_address = arena_copy(arena, exchange->local_address);
    exchange->client_name = arena_copy(arena, exchange->client_name);
    if (exchange->tls != NULL && exchange->tls->hold != NULL)
        exchange->tls->hold(exchange->tls);
    trace_id(exchange);
    lease->client_request = arena_alloc(arena, sizeof(*lease->client_request));
    *lease->client_request = exchange->request;
    struct headers *headers = &lease->client_request->headers;
    headers->items = arena_alloc(arena, headers->count * sizeof(*headers->items));
    if (headers->count != 0)
        memcpy(headers->items, exchange->request.headers.items, headers->count * sizeof(*headers->items));
    headers->capacity = headers->count;
}

static void own_piece(struct exchange *exchange, struct half *half)
{
    struct text *copy = &exchange->state->lease.copies[half->which];
    if (!half->has_piece || !half->is_piece_lent)
        return;
    text_clear(copy);
    text_add(copy, half->piece);
    half->piece = text_slice(copy);
    half->is_piece_lent = false;
}

static struct pool_line *find_line(struct use *use)
{
    if (use->declared != NULL && use->declared->is_serial)
        return &runtime_share_of(use->runtime, use)->line;
    return (use->filter->flags & FLEXILIB_CONCURRENT) != 0 ? NULL : &use->line;
}

static void run_hook(struct pool_job *job, unsigned thread)
{
    struct lease *lease = (struct lease *)job;
    struct exchange *exchange = lease->exchange;
    struct half *half = lease->half;
    const struct use *use = exchange->chain->uses[half->step];
    enum slot_hook hook = half->is_resumed ? SLOT_HOOK_RESUME : half->hook;
    runtime_enter_thread(exchange->runtime, thread, use, hook, &exchange->state->slot_request);
    lease->answer = exchange_call_hook(exchange, half);
    runtime_leave_thread(exchange->runtime, thread);
}

/* The exchange is the loop's again. */
static void take_back(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = state->lease.half;
    state->lease.half = state->running = NULL;
    --exchange->runtime->lease_count;
    exchange->arena.taken_bytes += state->lease.arena.taken_bytes; /* of it all, for the access log */
    state->lease.arena.taken_bytes = 0;
    /* the owner may call back, even to say that the client has gone: note it, act when this call is through */
    bool was_looping = state->is_looping;
    state->is_looping = true;
    exchange_unwatch(exchange, half);
    state->is_looping = was_looping;
}

static void deliver_letters(struct runtime *runtime, struct late_letters *letters)
{
    while (!STAILQ_EMPTY(letters)) {
        struct late_letter *late = STAILQ_FIRST(letters);
        STAILQ_REMOVE_HEAD(letters, entry);
        runtime_deliver(runtime, &late->letter);
        free(late);
    }
}

static void drop_letters(struct late_letters *letters)
{
    while (!STAILQ_EMPTY(letters)) {
        struct late_letter *late = STAILQ_FIRST(letters);
        STAILQ_REMOVE_HEAD(letters, entry);
        if (late->letter.drop != NULL)
            late->letter.drop(late->letter.result);
        free(late);
    }
}

/* Begins what the hook could not begin by itself. */
static flexilib_answer begin_decoding(struct exchange *exchange, struct half *half, flexilib_answer answer)
{
    struct slice coding = half->asked_coding;
    if (exchange_is_guest(exchange))
        return answer;
    half->asked_coding = SLICE_NONE;
    if (coding.length == 0 || exchange_begin_decoding(exchange, half, coding))
        return answer;
    exchange_blame(exchange, half->step, "wants a body decoded, and no room is left for that");
    return FLEXILIB_FAIL;
}

static void on_done(struct pool_job *job)
{
    struct lease *lease = (struct lease *)job;
    struct exchange *exchange = lease->exchange;
    struct runtime *runtime = exchange->runtime;
    struct exchange_state *state = exchange->state;
    struct half *half = lease->half;
    struct late_letters letters = STAILQ_HEAD_INITIALIZER(letters);
    STAILQ_CONCAT(&letters, &lease->letters);
    take_back(exchange);
    if (half->hook != SLOT_HOOK_END) {
        state->is_looping = true;
        exchange_settle_hook(exchange, half, begin_decoding(exchange, half, lease->answer));
        state->is_looping = false;
    }
    exchange_run(exchange);
    deliver_letters(runtime, &letters);
}

bool exchange_begin_lease(struct exchange *exchange, struct half *half, bool was_seen)
{
    struct exchange_state *state = exchange->state;
    struct lease *lease = &state->lease;
    struct use *use = exchange->chain->uses[half->step];
    own_surroundings(exchange);
    own_piece(exchange, half);
    half->ticket = 0;
    lease->job = (struct pool_job){
        .work = run_hook,
        .done = on_done,
        .line = find_line(use),
        .is_owed = half->hook == SLOT_HOOK_END,
    };
    lease->exchange = exchange;
    lease->was_seen = was_seen;
    lease->half = state->running = half;
    if (!pool_add(&runtime_share_of(exchange->runtime, use)->share, &lease->job)) {
        lease->half = state->running = NULL;
        state->steps[half->step].is_seen = was_seen;
        return false;
    }
    ++exchange->runtime->lease_count;
    exchange_watch(exchange, half);
    return true;
}

bool exchange_withdraw_lease(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct lease *lease = &state->lease;
    struct half *half = lease->half;
    if (half->hook == SLOT_HOOK_END || !pool_remove(exchange->runtime->pool, &lease->job))
        return false;
    state->steps[half->step].is_seen = lease->was_seen;
    drop_letters(&lease->letters);
    take_back(exchange);
    return true;
}

void exchange_keep_letter(struct exchange *exchange, const struct letter *letter)
{
    struct late_letter *late = mem_alloc(sizeof(*late));
    late->letter = *letter;
    STAILQ_INSERT_TAIL(&exchange->state->lease.letters, late, entry);
}

void exchange_forget_leases(struct exchange *exchange)
{
    struct lease *lease = &exchange->state->lease;
    if (lease->client_request == NULL)
        return;
    if (exchange->tls != NULL && exchange->tls->release != NULL)
        exchange->tls->release(exchange->tls);
    arena_finish(&lease->arena);
    text_finish(&lease->copies[0]);
    text_finish(&lease->copies[1]);
}
