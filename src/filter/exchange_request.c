#include "filter/exchange_state.h"

/* The chain's handler saw the whole request and did not answer it. */
static enum turn answer_for_handler(struct exchange *exchange)
{
    size_t step = exchange->chain->count - 1;
    if (!exchange_is_active(exchange, step)) {
        exchange_start_answer(exchange, 503, SLICE_NONE, step);
        return TURN_MORE;
    }
    exchange_blame(exchange, step, "is the handler of this route and did not answer");
    exchange_start_answer(exchange, 500, SLICE_NONE, step);
    return TURN_MORE;
}

static bool ends_in_handler(const struct exchange *exchange)
{
    return exchange->chain->ends_in_handler && exchange->chain->count != 0;
}

/* A body that is all there goes through its hooks first, so that its length is known to whoever gets it. One that still
 * has to come follows the head, unless a thread may have the exchange then: nobody else is to be at work for it. */
static bool is_ready(const struct exchange *exchange)
{
    const struct half *half = &exchange->state->request;
    if (half->has_piece && half->is_last)
        return half->passed == half->count;
    return !half->has_body_hooks || !(exchange->state->is_body_at_hand || half->may_block || ends_in_handler(exchange));
}

static void drop_trailers(struct exchange *exchange)
{
    if (exchange->state->request.is_changed)
        exchange->request_trailers.count = 0;
}

/* Says what there is of the body. */
static void settle_body(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->request;
    if (exchange_has_last_piece(half)) {
        half->has_piece = false;
        exchange->request_body = half->piece;
        exchange->streams_request = false;
        drop_trailers(exchange);
    } else if (half->may_change) {
        /* of a body that was at hand, decoding may make more than is kept at a time */
        exchange->streams_request = true;
        exchange->request_body = SLICE_NONE;
        exchange->request_length = -1;
    }
    state->is_request_done = !exchange->streams_request;
}

static enum turn forward(struct exchange *exchange)
{
    if (ends_in_handler(exchange))
        return answer_for_handler(exchange);
    if (exchange_has_last_piece(&exchange->state->request) && !exchange_keep_piece(exchange, &exchange->state->request))
        return TURN_MORE;
    settle_body(exchange);
    exchange->phase = EXCHANGE_FORWARDED;
    exchange->state->has_source = true;
    exchange->owner->forward(exchange);
    return TURN_MORE;
}

/* Whether anybody takes the next piece: a filter that holds the head, a handler, or whom the request was forwarded to.
 */
static bool is_piece_wanted(const struct exchange *exchange)
{
    return exchange->phase == EXCHANGE_REQUEST || exchange->state->is_request_wanted;
}

static enum turn find_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange_decode_more(exchange, &state->request))
        return TURN_MORE;
    if (state->is_body_at_hand) {
        state->is_body_at_hand = false;
        state->is_request_over = true;
        exchange_take_piece(exchange, &state->request, exchange->request_body, true);
        return TURN_MORE;
    }
    if (state->is_request_pulled || state->is_request_over)
        return TURN_WAIT;
    state->is_request_pulled = true;
    exchange->owner->pull_request(exchange);
    return TURN_MORE;
}

/* The piece is through all hooks. */
static enum turn hand_over(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->request;
    if (exchange->phase == EXCHANGE_REQUEST) {
        if (half->is_last || ends_in_handler(exchange))
            half->has_piece = half->is_last; /* a handler has had it; the last one tells that the request is through */
        else if (half->may_block)
            exchange_keep_piece(exchange, half);
        return TURN_MORE;
    }
    half->has_piece = false;
    state->is_request_wanted = false;
    state->is_request_done = half->is_last;
    if (half->is_last)
        drop_trailers(exchange);
    exchange->owner->send_request(exchange, half->piece, half->is_last);
    return TURN_MORE;
}

enum turn exchange_turn_request(struct exchange *exchange)
{
    struct half *half = &exchange->state->request;
    if (half->is_paused)
        return TURN_WAIT;
    if (half->is_resumed) {
        exchange_run_hook(exchange, half, half->hook, half->step);
        return TURN_MORE;
    }
    if (!exchange_pass_head(exchange, half))
        return TURN_MORE;
    if (exchange->phase == EXCHANGE_REQUEST && exchange_is_head_through(half)) {
        exchange_note_body_hooks(exchange, half);
        if (is_ready(exchange))
            return forward(exchange);
    }
    if (!is_piece_wanted(exchange))
        return TURN_WAIT;
    if (!half->has_piece)
        return find_piece(exchange);
    bool is_head_through = exchange_is_head_through(half);
    if (!exchange_pass_piece(exchange, half) || !is_head_through)
        return TURN_MORE;
    return hand_over(exchange);
}
