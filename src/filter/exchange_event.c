#include "base/log.h"
#include "filter/exchange_state.h"

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

uint64_t exchange_request_bytes(const struct exchange *exchange)
{
    return exchange->phase == EXCHANGE_NEW ? exchange->request_body.length : exchange->state->request_bytes;
}

void exchange_leave_phase_new(struct exchange *exchange)
{
    exchange->state->is_client_head = is_head_method(exchange);
    exchange->phase = EXCHANGE_REQUEST;
}

bool exchange_may_pull_request(const struct exchange *exchange)
{
    const struct exchange_state *state = exchange->state;
    bool is_of_use = exchange->phase <= EXCHANGE_REQUEST || state->has_source;
    return exchange->streams_request && !state->is_request_over && is_of_use && !exchange_is_over(exchange);
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

void exchange_refuse_body(struct exchange *exchange)
{
    log_line(LOG_LEVEL_INFO, "refused a request from %.*s with 413: the body is too large (request %.*s)",
             SLICE_ARG(exchange->peer_address), SLICE_ARG(exchange->id));
    fail_request(exchange, 413, SLICE("413 Content Too Large: the body is too large"));
}

/* Nobody looks at the pieces of its body, and none is on its way: they go straight to whoever asks for them. */
static bool is_request_direct(const struct exchange *exchange)
{
    const struct half *half = &exchange->state->request;
    return exchange->phase != EXCHANGE_REQUEST && !half->has_body_hooks && !half->has_piece;
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
        exchange_refuse_body(exchange);
        exchange_run(exchange);
    } else if (is_request_direct(exchange)) {
        state->is_request_wanted = false;
        state->is_request_done = last;
        exchange->owner->send_request(exchange, data, last);
    } else {
        exchange_take_piece(exchange, &state->request, data, last);
        exchange_run(exchange);
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
    if (state->is_request_wanted || state->is_request_done || !state->has_source || exchange_is_over(exchange))
        return;
    if (!exchange->streams_request)
        return;
    state->is_request_wanted = true;
    if (!is_request_direct(exchange)) {
        exchange_run(exchange);
    } else if (exchange_may_pull_request(exchange)) {
        state->is_request_pulled = true;
        exchange->owner->pull_request(exchange);
    }
}

void exchange_response_head(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (exchange->phase != EXCHANGE_FORWARDED || !state->has_source)
        return;
    /* asked of the method as it was forwarded: that is what the source went by */
    state->source_has_body = has_body(is_head_method(exchange), exchange->response.status);
    exchange_begin_half(exchange, &state->response, exchange->chain->count);
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
    return !state->response.has_body_hooks && state->source_has_body && exchange_has_body(exchange) &&
           exchange->response.body_length >= 0;
}

void exchange_response_pipe(struct exchange *exchange, struct body_pipe *pipe, size_t length)
{
    if (exchange->state->is_pulling && !exchange_is_over(exchange))
        exchange->pipe = pipe;
    exchange_response_body(exchange, slice_of(NULL, length), false);
}

void exchange_response_body(struct exchange *exchange, struct slice data, bool last)
{
    struct exchange_state *state = exchange->state;
    if (!state->is_pulling || exchange_is_over(exchange))
        return;
    state->is_pulling = false;
    state->has_source = !last;
    exchange_take_piece(exchange, &state->response, state->source_has_body ? data : SLICE_NONE, last);
    exchange_run(exchange);
}

void exchange_answer(struct exchange *exchange, int status, const char *text)
{
    struct exchange_state *state = exchange->state;
    if (exchange_is_over(exchange))
        return;
    if (exchange->phase == EXCHANGE_NEW)
        exchange_leave_phase_new(exchange);
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
    struct exchange_state *state = exchange->state;
    if (exchange->phase == EXCHANGE_NEW || exchange->phase == EXCHANGE_ENDED)
        return;
    state->is_gone = true;
    if (exchange_is_leased(exchange) && !exchange_withdraw_lease(exchange))
        exchange_replace(exchange, 0);
    else if (!exchange_is_over(exchange))
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
