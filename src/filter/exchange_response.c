#include "filter/exchange_state.h"

#include "base/log.h"

static void send_head(struct exchange *exchange)
{
    exchange->state->is_head_sent = true;
    exchange->state->owes_flush = true;
    exchange->owner->send_head(exchange);
}

/* Says how long the body will be, now that all filters have had the head. */
static void settle_length(struct exchange *exchange)
{
    const struct exchange_state *state = exchange->state;
    const struct half *half = &state->response;
    bool is_at_hand = exchange_has_last_piece(half) && exchange_has_body(exchange);
    if (exchange->response.status == 204)
        exchange->response.body_length = 0;
    else if (half->may_change && !is_at_hand)
        exchange->response.body_length = -1;
    else if (!state->is_own && !state->source_has_body && exchange_has_body(exchange))
        exchange->response.body_length = 0; /* a filter has made a response with a body of one without */
}

static enum turn finish_head(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->response;
    bool has_body = exchange_has_body(exchange);
    exchange->phase = EXCHANGE_RESPONSE_BODY;
    exchange_note_body_hooks(exchange, half);
    settle_length(exchange);
    if (!has_body) {
        half->has_body_hooks = half->has_piece = false;
        state->streamer = 0;
        if (state->source_has_body)
            exchange_cancel_source(exchange);
        if (!state->has_source)
            exchange_take_piece(exchange, half, SLICE_NONE, true);
        half->passed = half->count;
    }
    /* with the last piece at hand, its hooks come first: they decide about the length */
    if (!(half->has_body_hooks && exchange_has_last_piece(half)))
        send_head(exchange);
    return TURN_MORE;
}

/* Cuts the piece to what the head has announced; false where the body ends too soon. */
static bool keep_to_length(struct exchange *exchange)
{
    struct half *half = &exchange->state->response;
    if (exchange->response.body_length < 0 || !exchange_has_body(exchange))
        return true;
    uint64_t left = (uint64_t)exchange->response.body_length - exchange->response_bytes;
    if (half->piece.length > left) {
        log_line(LOG_LEVEL_ERROR, "the response's body is longer than its head says: the rest is cut (request %.*s)",
                 SLICE_ARG(exchange->id));
        if (exchange->pipe != NULL)
            return false;
        /* the source's memory goes with the source */
        half->piece = arena_copy(&exchange->arena, slice_of(half->piece.data, left));
        half->is_last = half->is_changed = true;
        exchange_cancel_source(exchange);
    }
    if (!half->is_last || half->piece.length == left)
        return true;
    log_line(LOG_LEVEL_ERROR, "the response's body is shorter than its head says (request %.*s)",
             SLICE_ARG(exchange->id));
    return false;
}

static enum turn send_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->response;
    half->has_piece = false;
    if (!state->is_head_sent) {
        exchange->response.body_length = (int64_t)half->piece.length;
        send_head(exchange);
    }
    if (!keep_to_length(exchange)) {
        state->is_broken = true;
        return TURN_MORE;
    }
    if (half->piece.length == 0 && !half->is_last)
        return TURN_MORE;
    if (half->is_changed)
        exchange->response_trailers.count = 0;
    exchange->response_bytes += half->piece.length;
    state->is_sending = true;
    state->is_last_sent = half->is_last;
    state->owes_flush = !half->is_last;
    exchange->owner->send_body(exchange, half->piece, half->is_last);
    return TURN_MORE;
}

static enum turn find_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange_decode_more(exchange, &state->response))
        return TURN_MORE;
    if (state->streamer != 0) {
        exchange_run_hook(exchange, &state->response, SLOT_HOOK_REPLY_BODY, state->streamer - 1);
        return TURN_MORE;
    }
    if (state->is_pulling)
        return TURN_WAIT;
    state->is_pulling = true;
    exchange->owner->pull(exchange);
    return TURN_MORE;
}

enum turn exchange_turn_response(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->response;
    if (half->is_paused)
        return TURN_WAIT;
    if (half->is_resumed) {
        exchange_run_hook(exchange, half, half->hook, half->step);
        return TURN_MORE;
    }
    if (!exchange_pass_head(exchange, half))
        return TURN_MORE;
    if (exchange->phase == EXCHANGE_RESPONSE_HEAD && exchange_is_head_through(half))
        return finish_head(exchange);
    if (state->is_sending)
        return TURN_WAIT;
    if (state->is_last_sent) {
        exchange->phase = EXCHANGE_SENT;
        return TURN_MORE;
    }
    if (!half->has_piece)
        return find_piece(exchange);
    bool is_head_through = exchange_is_head_through(half);
    if (!exchange_pass_piece(exchange, half) || !is_head_through)
        return TURN_MORE;
    return send_piece(exchange);
}
