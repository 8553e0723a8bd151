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

static bool has_request_body_hook(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->chain->count; ++i) {
        if (exchange->chain->uses[i]->filter->on_request_body != NULL && exchange_is_active(exchange, i))
            return true;
    }
    return false;
}

static void finish_collecting(struct exchange *exchange, struct slice whole)
{
    exchange->request_body = exchange->state->piece = whole;
    exchange->streams_request = exchange->state->is_collecting = false;
}

/* Clients of HTTP/2 may send many bodies at once. */
static bool collect_piece(struct exchange *exchange, struct slice piece)
{
    struct body_store *collected = &exchange->state->collected;
    struct exchange_room *room = exchange->room;
    if (room == NULL)
        return body_store_add(collected, piece, BODY_STORE_MEMORY_BYTES);
    size_t others = room->collected_bytes - collected->capacity;
    size_t kept = room->kept_bytes + others;
    bool is_added = body_store_add(collected, piece, kept < room->most_kept_bytes ? room->most_kept_bytes - kept : 0);
    room->collected_bytes = others + collected->capacity;
    return is_added;
}

void exchange_forget_collected(struct exchange *exchange)
{
    struct body_store *collected = &exchange->state->collected;
    if (exchange->room != NULL)
        exchange->room->collected_bytes -= collected->capacity;
    body_store_finish(collected);
}

static bool take_request_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct slice whole = state->request_piece;
    state->has_request_piece = false;
    if (state->is_request_over && body_store_is_empty(&state->collected)) {
        finish_collecting(exchange, whole);
        return true;
    }
    if (!collect_piece(exchange, whole))
        return false;
    if (!state->is_request_over)
        return true;
    if (!body_store_read(&state->collected, &whole))
        return false;
    finish_collecting(exchange, whole);
    return true;
}

/* A filter's hook is promised the body in one call, so its pieces are collected first. */
static enum turn collect_request_body(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    state->is_collecting = true;
    if (state->has_request_piece) {
        if (!take_request_piece(exchange))
            exchange_start_answer(exchange, 503, SLICE("no room is left for the request's body"),
                                  exchange->chain->count);
        return TURN_MORE;
    }
    if (state->is_request_pulled)
        return TURN_WAIT;
    state->is_request_pulled = true;
    exchange->owner->pull_request(exchange);
    return TURN_MORE;
}

enum turn exchange_turn_request_body(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange->streams_request && has_request_body_hook(exchange))
        return collect_request_body(exchange);
    while (state->position < exchange->chain->count) {
        const struct use *use = exchange->chain->uses[state->position];
        if (use->filter->on_request_body == NULL || !exchange_is_active(exchange, state->position))
            ++state->position;
        else if (!exchange_run_hook(exchange, SLOT_HOOK_REQUEST_BODY, state->position))
            return TURN_MORE;
    }
    return forward(exchange);
}
