#include "filter/exchange_state.h"

#include "filter/status.h"

void exchange_release(struct loan *loan)
{
    struct loan ended = *loan;
    *loan = (struct loan){0};
    if (ended.release != NULL)
        ended.release(ended.data);
}

/* Puts another response in the place of whatever was under way. */
static void begin_response(struct exchange *exchange, int status, size_t depth)
{
    struct exchange_state *state = exchange->state;
    exchange_cancel_source(exchange);
    exchange->phase = EXCHANGE_RESPONSE_HEAD;
    exchange->response.status = status;
    exchange->response.body_length = -1;
    exchange->response.trailer_names = SLICE_NONE;
    exchange->response_trailers.count = 0;
    state->answer_status = 0;
    state->is_own = true;
    state->streamer = 0;
    exchange_release(&state->loan);
    for (size_t i = 0; i < depth; ++i)
        state->steps[i].has_decided[FLEXILIB_RESPONSE] = false;
    exchange_begin_half(exchange, &state->response, depth);
}

static void set_body(struct exchange *exchange, struct slice body)
{
    exchange->response.body_length = (int64_t)body.length;
    exchange_take_piece(exchange, &exchange->state->response, body, true);
}

static struct slice write_text(struct exchange *exchange, int status, struct slice text)
{
    const char *phrase = status_phrase(status);
    if (text.length == 0)
        return arena_print(&exchange->arena, "%d%s%s\n", status, phrase[0] == '\0' ? "" : " ", phrase);
    if (text.data[text.length - 1] == '\n')
        return text;
    return arena_print(&exchange->arena, "%.*s\n", SLICE_ARG(text));
}

const struct error_page *exchange_find_page(const struct exchange *exchange, int status)
{
    const struct error_pages *pages = exchange->error_pages;
    for (size_t i = 0; pages != NULL && i < pages->count; ++i) {
        if (pages->items[i].statuses.first <= status && status <= pages->items[i].statuses.last)
            return &pages->items[i];
    }
    return NULL;
}

void exchange_start_answer(struct exchange *exchange, int status, struct slice text, size_t depth)
{
    struct exchange_state *state = exchange->state;
    if (state->is_head_sent) {
        state->is_broken = true;
        return;
    }
    const struct error_page *page = exchange_find_page(exchange, status);
    begin_response(exchange, status, depth);
    set_body(exchange, page != NULL ? page->content : write_text(exchange, status, text));
    exchange->response.headers.count = 0;
    headers_add(&exchange->response.headers, &exchange->arena, SLICE("content-type"),
                page != NULL ? page->type : SLICE("text/plain"));
    if (state->retry_after_s != 0)
        headers_add(&exchange->response.headers, &exchange->arena, SLICE("retry-after"),
                    arena_print(&exchange->arena, "%u", state->retry_after_s));
    state->retry_after_s = 0;
}

void exchange_start_reply(struct exchange *exchange, struct half *half)
{
    struct reply reply = half->reply;
    size_t step = half->step;
    /* of the response that it replaces, nothing stays */
    half->reply = (struct reply){.headers = exchange->response.headers};
    exchange->response.headers = reply.headers;
    begin_response(exchange, reply.status, step);
    if (reply.is_streamed) {
        exchange->state->streamer = step + 1;
        return;
    }
    exchange->state->loan = reply.loan;
    set_body(exchange, reply.body);
}

size_t exchange_unseen_depth(const struct exchange *exchange)
{
    const struct exchange_state *state = exchange->state;
    if (exchange->phase == EXCHANGE_REQUEST)
        return state->request.heads;
    if (exchange->phase == EXCHANGE_FORWARDED)
        return exchange->chain->count;
    return state->response.count - state->response.heads;
}
