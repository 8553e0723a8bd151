#include "filter/exchange_state.h"

#include "base/log.h"

static bool has_body_hooks(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->state->depth; ++i) {
        if (exchange->chain->uses[i]->filter->on_response_body != NULL && exchange_is_active(exchange, i))
            return true;
    }
    return false;
}

static void send_head(struct exchange *exchange)
{
    exchange->state->is_head_sent = true;
    exchange->state->owes_flush = true;
    exchange->owner->send_head(exchange);
}

/* Says how long the body will be, now that all filters have had the head. */
static void settle_length(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange->response.status == 204)
        exchange->response.body_length = 0;
    else if (state->has_body_hooks && !(state->is_whole && exchange_has_body(exchange)))
        exchange->response.body_length = -1;
    else if (!state->is_whole && !state->source_has_body && exchange_has_body(exchange))
        exchange->response.body_length = 0; /* a filter has made a response with a body of one without */
}

static enum turn finish_heads(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    bool has_body = exchange_has_body(exchange);
    exchange->phase = EXCHANGE_RESPONSE_BODY;
    state->has_body_hooks = has_body_hooks(exchange);
    settle_length(exchange);
    if (!has_body && state->source_has_body)
        exchange_cancel_source(exchange);
    if (!has_body)
        state->has_body_hooks = false;
    if (!has_body && !state->has_source) {
        state->piece = SLICE_NONE;
        state->is_last = state->has_piece = true;
    }
    /* with the whole body at hand, its hooks come first: they decide about the length */
    if (!(state->is_whole && state->has_body_hooks))
        send_head(exchange);
    state->position = state->depth;
    return TURN_MORE;
}

enum turn exchange_turn_response_head(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    while (state->position > 0) {
        size_t step = state->position - 1;
        const struct use *use = exchange->chain->uses[step];
        if (use->filter->on_response_head == NULL || !exchange_is_active(exchange, step))
            --state->position;
        else if (!exchange_run_hook(exchange, SLOT_HOOK_RESPONSE_HEAD, step))
            return TURN_MORE;
    }
    return finish_heads(exchange);
}

/* Cuts the piece to what the head has announced; false where the body ends too soon. */
static bool keep_to_length(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange->response.body_length < 0 || !exchange_has_body(exchange))
        return true;
    uint64_t left = (uint64_t)exchange->response.body_length - exchange->response_bytes;
    if (state->piece.length > left) {
        log_line(LOG_LEVEL_ERROR, "the response's body is longer than its head says: the rest is cut (request %.*s)",
                 SLICE_ARG(exchange->id));
        if (exchange->pipe != NULL)
            return false;
        state->piece.length = left;
        state->is_last = state->is_body_changed = true;
        exchange_cancel_source(exchange);
    }
    if (!state->is_last || state->piece.length == left)
        return true;
    log_line(LOG_LEVEL_ERROR, "the response's body is shorter than its head says (request %.*s)",
             SLICE_ARG(exchange->id));
    return false;
}

static enum turn send_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    state->has_piece = false;
    if (!state->is_head_sent) {
        exchange->response.body_length = (int64_t)state->piece.length;
        send_head(exchange);
    }
    if (!keep_to_length(exchange)) {
        state->is_broken = true;
        return TURN_MORE;
    }
    if (state->piece.length == 0 && !state->is_last)
        return TURN_MORE;
    if (state->is_body_changed)
        exchange->response_trailers.count = 0;
    exchange->response_bytes += state->piece.length;
    state->is_sending = true;
    state->is_last_sent = state->is_last;
    state->owes_flush = !state->is_last;
    exchange->owner->send_body(exchange, state->piece, state->is_last);
    return TURN_MORE;
}

static enum turn run_body_hooks(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    while (state->has_body_hooks && state->position > 0) {
        size_t step = state->position - 1;
        const struct use *use = exchange->chain->uses[step];
        /* a filter keeps it to itself for now: those in front of it have nothing to look at */
        if (state->piece.length == 0 && !state->is_last)
            break;
        if (use->filter->on_response_body == NULL || !exchange_is_active(exchange, step))
            --state->position;
        else if (!exchange_run_hook(exchange, SLOT_HOOK_RESPONSE_BODY, step))
            return TURN_MORE;
    }
    return send_piece(exchange);
}

enum turn exchange_turn_response_body(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->is_sending)
        return TURN_WAIT;
    if (state->is_last_sent) {
        exchange->phase = EXCHANGE_SENT;
        return TURN_MORE;
    }
    if (state->has_piece)
        return run_body_hooks(exchange);
    if (state->is_pulling)
        return TURN_WAIT;
    state->is_pulling = true;
    exchange->owner->pull(exchange);
    return TURN_MORE;
}
