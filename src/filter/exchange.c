#include "filter/exchange.h"

#include "base/alloc.h"
#include "base/poison.h"
#include "filter/exchange_state.h"
#include "filter/isolated_own.h"

#include <stdlib.h>

enum {
    MOST_RECYCLED = 256,
    LARGEST_KEPT_BUFFER_BYTES = 65536,
};

struct exchange_block {
    struct exchange exchange;
    struct exchange_state state;
};

static const struct chain no_chain = {0};

static struct exchange *make_exchange(struct runtime *runtime)
{
    struct exchange_block *block = mem_zalloc(sizeof(*block));
    struct exchange *exchange = &block->exchange;
    exchange->state = &block->state;
    exchange->state->response.which = FLEXILIB_RESPONSE;
    exchange->state->runtime = runtime;
    arena_init(&exchange->arena, runtime->arena_bytes);
    exchange->state->place = runtime_add(runtime, exchange, &exchange->state->tickets);
    return exchange;
}

static void free_exchange(struct runtime *runtime, struct exchange *exchange)
{
    runtime_remove(runtime, exchange->state->place, exchange->state->tickets);
    arena_finish(&exchange->arena);
    for (int i = 0; i < 4; ++i)
        text_finish(&exchange->state->buffers[i / 2][i % 2]);
    free(exchange);
}

/* What a filter sees of an exchange that waits for its next use; a late ticket still has to find its state. */
static const size_t first_seen = offsetof(struct exchange, request);
static const size_t seen_bytes = offsetof(struct exchange, runtime) - offsetof(struct exchange, request);

static void hide_exchange(const struct exchange *exchange)
{
    poison((const char *)exchange + first_seen, seen_bytes);
}

static void show_exchange(const struct exchange *exchange)
{
    unpoison((const char *)exchange + first_seen, seen_bytes);
}

struct exchange *exchange_create(struct runtime *runtime, const struct exchange_owner *owner, void *owner_data)
{
    struct exchange *exchange = runtime->recycled;
    if (exchange != NULL) {
        runtime->recycled = exchange->state->next_recycled;
        --runtime->recycled_count;
        show_exchange(exchange);
    } else {
        exchange = make_exchange(runtime);
    }
    ++runtime->exchange_count;
    exchange->runtime = runtime;
    exchange->chain = &no_chain;
    exchange->owner = owner;
    exchange->owner_data = owner_data;
    exchange->body_limit_bytes = UINT64_MAX;
    return exchange;
}

static void keep_buffer(struct text *buffer)
{
    if (buffer->capacity > LARGEST_KEPT_BUFFER_BYTES)
        text_finish(buffer);
}

static void reset_exchange(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    quiescence_stops_keeping(exchange->runtime, state);
    exchange_drop_reply(&state->request);
    exchange_drop_reply(&state->response);
    exchange_release(&state->loan);
    exchange_forget_collected(exchange, &state->request);
    exchange_forget_collected(exchange, &state->response);
    exchange_end_decoding(exchange, &state->request);
    exchange_end_decoding(exchange, &state->response);
    exchange_forget_leases(exchange);
    arena_clear(&exchange->arena);
    *exchange = (struct exchange){.arena = exchange->arena, .state = state};
    for (int i = 0; i < 4; ++i)
        keep_buffer(&state->buffers[i / 2][i % 2]);
    const size_t kept = offsetof(struct exchange_state, steps);
    memset((char *)state + kept, 0, sizeof(*state) - kept);
    state->response.which = FLEXILIB_RESPONSE;
}

static void recycle(struct runtime *runtime, struct exchange *exchange)
{
    if (runtime->recycled_count >= MOST_RECYCLED) {
        free_exchange(runtime, exchange);
        return;
    }
    hide_exchange(exchange);
    exchange->state->next_recycled = runtime->recycled;
    runtime->recycled = exchange;
    ++runtime->recycled_count;
}

void exchange_destroy(struct exchange *exchange)
{
    struct runtime *runtime = exchange->runtime;
    struct exchange *predecessor = exchange->state->predecessor;
    reset_exchange(exchange);
    --runtime->exchange_count;
    recycle(runtime, exchange);
    if (predecessor != NULL)
        exchange_leave_predecessor(predecessor);
}

void exchange_free_recycled(struct runtime *runtime)
{
    while (runtime->recycled != NULL) {
        struct exchange *exchange = runtime->recycled;
        runtime->recycled = exchange->state->next_recycled;
        show_exchange(exchange);
        free_exchange(runtime, exchange);
    }
    runtime->recycled_count = 0;
}

/* As far as it is known from the start. */
static uint64_t request_length(const struct exchange *exchange)
{
    if (!exchange->streams_request)
        return exchange->request_body.length;
    return exchange->request_length > 0 ? (uint64_t)exchange->request_length : 0;
}

void exchange_start(struct exchange *exchange, const struct chain *chain)
{
    struct exchange_state *state = exchange->state;
    exchange->chain = chain;
    state->steps = arena_zalloc(&exchange->arena, chain->count * sizeof(state->steps[0]));
    slot_show_request(exchange->id, exchange->request.method, exchange->request.raw_target, &state->slot_request);
    exchange_leave_phase_new(exchange);
    state->request.count = state->ends = chain->count;
    state->is_body_at_hand = !exchange->streams_request;
    state->request_bytes = exchange->request_body.length;
    if (request_length(exchange) > exchange->body_limit_bytes)
        exchange_refuse_body(exchange);
    if (!exchange->runtime->keeps_exchanges || !quiescence_keeps(exchange->runtime, exchange))
        exchange_run(exchange);
}

void exchange_start_guest(struct exchange *exchange, const struct chain *chain)
{
    struct exchange_state *state = exchange->state;
    exchange->chain = chain;
    state->is_guest = true;
    state->steps = arena_zalloc(&exchange->arena, chain->count * sizeof(state->steps[0]));
    slot_show_request(exchange->id, exchange->request.method, exchange->request.raw_target, &state->slot_request);
    exchange->phase = EXCHANGE_REQUEST;
    state->request.count = state->response.count = state->ends = chain->count;
}

static enum turn give_up(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    exchange->phase = EXCHANGE_SENT;
    exchange_leave_pause(exchange, &state->request);
    exchange_leave_pause(exchange, &state->response);
    exchange_cancel_source(exchange);
    if (!state->is_gone)
        exchange->owner->abort(exchange);
    return TURN_MORE;
}

static enum turn finish(struct exchange *exchange)
{
    belongings_end(&exchange->state->belongings);
    if (!exchange_run_ends(exchange))
        return TURN_WAIT;
    exchange->phase = EXCHANGE_ENDED;
    exchange->state->is_looping = false;
    exchange->owner->finished(exchange);
    return TURN_OVER;
}

/* A filter that has the response's head before it may say first what it makes of it. One that has a piece of a body
 * that broke off has nothing any more to say about. */
static bool is_answer_due(const struct exchange *exchange)
{
    const struct half *half = &exchange->state->response;
    bool is_hook_open = half->is_paused || half->is_resumed;
    return exchange->state->answer_status != 0 && !(is_hook_open && half->hook == SLOT_HOOK_RESPONSE_HEAD);
}

static bool is_request_of_use(const struct exchange *exchange)
{
    return exchange->phase == EXCHANGE_REQUEST || exchange->state->has_source;
}

static void close_request(struct exchange *exchange)
{
    struct half *half = &exchange->state->request;
    exchange->state->is_request_done = true;
    exchange_leave_pause(exchange, half);
    exchange_drop_reply(half);
    half->hook = SLOT_HOOK_NONE;
    half->has_piece = false;
}

static enum turn take_turn(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange_is_leased(exchange))
        return TURN_WAIT;
    if (exchange->phase == EXCHANGE_SENT)
        return finish(exchange);
    if (exchange_is_over(exchange))
        return TURN_WAIT;
    if (state->is_gone || state->is_broken)
        return give_up(exchange);
    if (exchange_is_guest(exchange))
        return exchange_turn_guest(exchange);
    if (is_answer_due(exchange)) {
        exchange_start_answer(exchange, state->answer_status, state->answer_text, exchange_unseen_depth(exchange));
        return TURN_MORE;
    }
    if (!state->is_request_done) {
        if (!is_request_of_use(exchange))
            close_request(exchange);
        else if (state->is_kept_back)
            return TURN_WAIT;
        else if (exchange_turn_request(exchange) == TURN_MORE)
            return TURN_MORE;
    }
    return exchange->phase > EXCHANGE_FORWARDED ? exchange_turn_response(exchange) : TURN_WAIT;
}

void exchange_run(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->is_looping || exchange_is_leased(exchange))
        return;
    state->is_looping = true;
    for (;;) {
        enum turn turn = take_turn(exchange);
        if (turn == TURN_OVER)
            return;
        if (turn == TURN_MORE)
            continue;
        if (!state->owes_flush || exchange_is_over(exchange))
            break;
        state->owes_flush = false;
        exchange->owner->flush(exchange);
    }
    state->is_looping = false;
}
