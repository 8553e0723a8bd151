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

static enum turn forward(struct exchange *exchange)
{
    if (exchange->chain->ends_in_handler && exchange->chain->count != 0)
        return answer_for_handler(exchange);
    exchange->phase = EXCHANGE_FORWARDED;
    exchange->state->has_source = true;
    exchange->owner->forward(exchange);
    return TURN_MORE;
}

enum turn exchange_turn_request_head(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    while (state->position < exchange->chain->count) {
        const struct use *use = exchange->chain->uses[state->position];
        if (use->filter->on_request_head == NULL)
            ++state->position;
        else if (!exchange_run_hook(exchange, SLOT_HOOK_REQUEST_HEAD, state->position))
            return TURN_MORE;
    }
    exchange->phase = EXCHANGE_REQUEST_BODY;
    state->position = 0;
    state->piece = exchange->request_body;
    return TURN_MORE;
}

enum turn exchange_turn_request_body(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    while (state->position < exchange->chain->count) {
        const struct use *use = exchange->chain->uses[state->position];
        if (use->filter->on_request_body == NULL || !exchange_is_active(exchange, state->position))
            ++state->position;
        else if (!exchange_run_hook(exchange, SLOT_HOOK_REQUEST_BODY, state->position))
            return TURN_MORE;
    }
    return forward(exchange);
}
