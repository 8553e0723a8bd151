#include "filter/exchange.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/poison.h"
#include "filter/exchange_state.h"

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
    arena_init(&exchange->arena, runtime->arena_bytes);
    exchange->state->place = runtime_add(runtime, exchange);
    return exchange;
}

static void free_exchange(struct runtime *runtime, struct exchange *exchange)
{
    runtime_remove(runtime, exchange->state->place);
    arena_finish(&exchange->arena);
    text_finish(&exchange->state->buffers[0]);
    text_finish(&exchange->state->buffers[1]);
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
    exchange_forget_collected(exchange);
    arena_clear(&exchange->arena);
    *exchange = (struct exchange){.arena = exchange->arena, .state = state};
    keep_buffer(&state->buffers[0]);
    keep_buffer(&state->buffers[1]);
    text_finish(&state->request_body);
    const size_t kept = offsetof(struct exchange_state, steps);
    memset((char *)state + kept, 0, sizeof(*state) - kept);
}

void exchange_destroy(struct exchange *exchange)
{
    struct runtime *runtime = exchange->runtime;
    reset_exchange(exchange);
    --runtime->exchange_count;
    if (runtime->recycled_count >= MOST_RECYCLED) {
        free_exchange(runtime, exchange);
        return;
    }
    hide_exchange(exchange);
    exchange->state->next_recycled = runtime->recycled;
    runtime->recycled = exchange;
    ++runtime->recycled_count;
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

static bool is_head_method(const struct exchange *exchange)
{
    return slice_equals(exchange->request.method, SLICE("HEAD"));
}

static bool has_body(bool is_head, int status)
{
    return !is_head && status != 101 && status != 204 && status != 304;
}

bool exchange_has_body(const struct exchange *exchange)
{
    bool is_head = exchange->phase == EXCHANGE_NEW ? is_head_method(exchange) : exchange->state->is_client_head;
    return has_body(is_head, exchange->response.status);
}

static bool is_over(const struct exchange *exchange)
{
    return exchange->phase >= EXCHANGE_SENT;
}

/* What the client asked with decides about the response's body; filters may change the method for the upstream. */
static void leave_phase_new(struct exchange *exchange)
{
    exchange->state->is_client_head = is_head_method(exchange);
    exchange->phase = EXCHANGE_REQUEST_HEAD;
}

bool exchange_may_pull_request(const struct exchange *exchange)
{
    const struct exchange_state *state = exchange->state;
    bool is_of_use = exchange->phase <= EXCHANGE_REQUEST_BODY || state->has_source;
    return exchange->streams_request && !state->is_request_over && is_of_use && !is_over(exchange);
}

/* Notes that the request goes no further; whom it was forwarded to is left when the answer begins. */
static void fail_request(struct exchange *exchange, int status, struct slice text)
{
    struct exchange_state *state = exchange->state;
    state->is_request_over = exchange->is_request_refused = true;
    if (state->is_head_sent) {
        state->is_broken = true;
    } else if (state->answer_status == 0) {
        state->answer_status = status;
        state->answer_text = arena_copy(&exchange->arena, text);
    }
}

static void refuse_body(struct exchange *exchange)
{
    log_line(LOG_LEVEL_INFO, "refused a request from %.*s with 413: the body is too large (request %.*s)",
             SLICE_ARG(exchange->peer_address), SLICE_ARG(exchange->id));
    fail_request(exchange, 413, SLICE("413 Content Too Large: the body is too large"));
}

/* As far as it is known from the start. */
static uint64_t request_length(const struct exchange *exchange)
{
    if (!exchange->streams_request)
        return exchange->request_body.length;
    return exchange->request_length > 0 ? (uint64_t)exchange->request_length : 0;
}

static void show_id(const struct exchange *exchange, char shown[SLOT_REQUEST_BYTES])
{
    size_t length = exchange->id.length < SLOT_REQUEST_BYTES ? exchange->id.length : SLOT_REQUEST_BYTES - 1;
    if (length != 0)
        memcpy(shown, exchange->id.data, length);
}

void exchange_start(struct exchange *exchange, const struct chain *chain)
{
    exchange->chain = chain;
    exchange->state->steps = arena_zalloc(&exchange->arena, chain->count * sizeof(exchange->state->steps[0]));
    show_id(exchange, exchange->state->slot_id);
    leave_phase_new(exchange);
    if (request_length(exchange) > exchange->body_limit_bytes)
        refuse_body(exchange);
    exchange_run(exchange);
}

void exchange_request_body(struct exchange *exchange, struct slice data, bool last)
{
    struct exchange_state *state = exchange->state;
    if (!state->is_request_pulled || !exchange_may_pull_request(exchange))
        return;
    state->is_request_pulled = false;
    state->is_request_over = last;
    state->request_bytes += data.length;
    if (state->request_bytes > exchange->body_limit_bytes) {
        refuse_body(exchange);
        exchange_run(exchange);
    } else if (state->is_collecting) {
        state->has_request_piece = true;
        state->request_piece = data;
        exchange_run(exchange);
    } else {
        exchange->owner->send_request(exchange, data, last);
    }
}

void exchange_request_fail(struct exchange *exchange, int status, struct slice text)
{
    if (!exchange_may_pull_request(exchange))
        return;
    fail_request(exchange, status, text);
    exchange_run(exchange);
}

void exchange_pull_request(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->is_request_pulled || !state->has_source || !exchange_may_pull_request(exchange))
        return;
    state->is_request_pulled = true;
    exchange->owner->pull_request(exchange);
}

void exchange_response_head(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange->phase != EXCHANGE_FORWARDED || !state->has_source)
        return;
    /* asked of the method as it was forwarded: that is what the source went by */
    state->source_has_body = has_body(is_head_method(exchange), exchange->response.status);
    state->depth = state->position = exchange->chain->count;
    exchange->phase = EXCHANGE_RESPONSE_HEAD;
    exchange_run(exchange);
}

void exchange_interim(struct exchange *exchange, const struct response_head *interim)
{
    bool is_awaited = exchange->phase == EXCHANGE_FORWARDED && exchange->state->has_source;
    if (is_awaited && !exchange->state->is_gone && exchange->owner->send_interim != NULL)
        exchange->owner->send_interim(exchange, interim);
}

/* Not told by which filters the response will pass: it may be a reply of one in the middle. */
static bool reads_response_bodies(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->chain->count; ++i) {
        if (exchange->chain->uses[i]->filter->on_response_body != NULL && exchange_is_active(exchange, i))
            return true;
    }
    return false;
}

bool exchange_takes_pipe(const struct exchange *exchange)
{
    const struct exchange_state *state = exchange->state;
    if (!exchange->takes_pipes)
        return false;
    if (exchange->phase != EXCHANGE_RESPONSE_BODY)
        return !reads_response_bodies(exchange);
    return !state->has_body_hooks && state->source_has_body && exchange_has_body(exchange) &&
           exchange->response.body_length >= 0;
}

void exchange_response_pipe(struct exchange *exchange, struct body_pipe *pipe, size_t length)
{
    if (exchange->state->is_pulling && !is_over(exchange))
        exchange->pipe = pipe;
    exchange_response_body(exchange, slice_of(NULL, length), false);
}

void exchange_response_body(struct exchange *exchange, struct slice data, bool last)
{
    struct exchange_state *state = exchange->state;
    if (!state->is_pulling || is_over(exchange))
        return;
    state->is_pulling = false;
    state->has_source = !last;
    state->piece = state->source_has_body ? data : SLICE_NONE;
    state->is_last = last;
    state->has_piece = true;
    state->position = state->depth;
    exchange_run(exchange);
}

void exchange_answer(struct exchange *exchange, int status, const char *text)
{
    struct exchange_state *state = exchange->state;
    if (is_over(exchange))
        return;
    if (exchange->phase == EXCHANGE_NEW)
        leave_phase_new(exchange);
    state->has_source = state->is_pulling = false;
    if (state->is_head_sent) {
        state->is_broken = true;
    } else if (state->answer_status == 0) {
        state->answer_status = status;
        state->answer_text = arena_copy(&exchange->arena, slice_from_text(text));
    }
    exchange_run(exchange);
}

void exchange_fail(struct exchange *exchange, int status)
{
    if (exchange->state->has_source)
        exchange_answer(exchange, status, NULL);
}

void exchange_fail_for(struct exchange *exchange, int status, unsigned retry_after_s)
{
    if (!exchange->state->has_source)
        return;
    exchange->state->retry_after_s = retry_after_s;
    exchange_answer(exchange, status, NULL);
}

void exchange_sent(struct exchange *exchange)
{
    if (!exchange->state->is_sending)
        return;
    exchange->state->is_sending = false;
    exchange->pipe = NULL;
    exchange_run(exchange);
}

void exchange_taken(struct exchange *exchange)
{
    exchange->state->owes_flush = true;
    exchange_sent(exchange);
}

void exchange_break(struct exchange *exchange)
{
    exchange->state->is_broken = true;
    exchange_run(exchange);
}

void exchange_gone(struct exchange *exchange)
{
    if (exchange->phase == EXCHANGE_NEW || is_over(exchange))
        return;
    exchange->state->is_gone = true;
    exchange_run(exchange);
}

void exchange_cancel_source(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (!state->has_source)
        return;
    state->has_source = state->is_pulling = false;
    exchange->owner->cancel(exchange);
}

void exchange_leave_pause(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    state->ticket = 0;
    state->hook = SLOT_HOOK_NONE;
    if (state->is_paused) {
        state->is_paused = false;
        exchange->owner->paused(exchange, false);
    }
    if (state->is_resumed) {
        state->is_resumed = false;
        if (state->drop != NULL)
            state->drop(state->result);
    }
}

bool exchange_resume(struct exchange *exchange, uint64_t ticket, void *result, void (*drop)(void *result))
{
    struct exchange_state *state = exchange->state;
    if (!state->is_paused || state->ticket != ticket)
        return false;
    state->is_paused = false;
    state->is_resumed = true;
    state->ticket = 0;
    state->result = result;
    state->drop = drop;
    /* the owner may call back, even to say that the client has gone: note it, act when this call is through */
    bool was_looping = state->is_looping;
    state->is_looping = true;
    exchange->owner->paused(exchange, false);
    state->is_looping = was_looping;
    exchange_run(exchange);
    return true;
}

void exchange_deadline(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (!state->is_paused)
        return;
    exchange_blame(exchange, state->step, "paused in %s for too long", slot_hook_name(state->hook));
    bool was_looping = state->is_looping;
    state->is_looping = true;
    exchange_leave_pause(exchange);
    exchange_start_answer(exchange, 504, SLICE_NONE, state->step);
    state->is_looping = was_looping;
    exchange_run(exchange);
}

static enum turn give_up(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    exchange->phase = EXCHANGE_SENT;
    exchange_leave_pause(exchange);
    exchange_cancel_source(exchange);
    if (!state->is_gone)
        exchange->owner->abort(exchange);
    return TURN_MORE;
}

static enum turn finish(struct exchange *exchange)
{
    exchange_run_ends(exchange);
    exchange->phase = EXCHANGE_ENDED;
    exchange->state->is_looping = false;
    exchange->owner->finished(exchange);
    return TURN_OVER;
}

static enum turn take_turn(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if ((state->is_gone || state->is_broken) && !is_over(exchange))
        return give_up(exchange);
    if (state->is_paused)
        return TURN_WAIT;
    if (state->answer_status != 0 && !state->is_resumed && !is_over(exchange)) {
        exchange_start_answer(exchange, state->answer_status, state->answer_text, exchange_unseen_depth(exchange));
        return TURN_MORE;
    }
    switch (exchange->phase) {
    case EXCHANGE_REQUEST_HEAD:
        return exchange_turn_request_head(exchange);
    case EXCHANGE_REQUEST_BODY:
        return exchange_turn_request_body(exchange);
    case EXCHANGE_RESPONSE_HEAD:
        return exchange_turn_response_head(exchange);
    case EXCHANGE_RESPONSE_BODY:
        return exchange_turn_response_body(exchange);
    case EXCHANGE_SENT:
        return finish(exchange);
    default:
        return TURN_WAIT;
    }
}

void exchange_run(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->is_looping)
        return;
    state->is_looping = true;
    for (;;) {
        enum turn turn = take_turn(exchange);
        if (turn == TURN_OVER)
            return;
        if (turn == TURN_MORE)
            continue;
        if (!state->owes_flush)
            break;
        state->owes_flush = false;
        exchange->owner->flush(exchange);
    }
    state->is_looping = false;
}
