#include "filter/exchange_state.h"

#include "filter/status.h"

/* Puts a whole response in the place of whatever was under way. */
static void begin_whole_response(struct exchange *exchange, int status, struct slice body, size_t depth)
{
    struct exchange_state *state = exchange->state;
    exchange_cancel_source(exchange);
    exchange->phase = EXCHANGE_RESPONSE_HEAD;
    exchange->response.status = status;
    exchange->response.body_length = (int64_t)body.length;
    exchange->response.trailer_names = SLICE_NONE;
    exchange->response_trailers.count = 0;
    state->depth = state->position = depth;
    state->hook = SLOT_HOOK_NONE;
    state->ticket = 0;
    state->answer_status = 0;
    state->is_collecting = false;
    state->is_whole = true;
    state->has_piece = state->is_last = true;
    state->piece = body;
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
    begin_whole_response(exchange, status, page != NULL ? page->content : write_text(exchange, status, text), depth);
    exchange->response.headers.count = 0;
    headers_add(&exchange->response.headers, &exchange->arena, SLICE("content-type"),
                page != NULL ? page->type : SLICE("text/plain"));
    if (state->retry_after_s != 0)
        headers_add(&exchange->response.headers, &exchange->arena, SLICE("retry-after"),
                    arena_print(&exchange->arena, "%u", state->retry_after_s));
    state->retry_after_s = 0;
}

void exchange_start_reply(struct exchange *exchange, size_t step)
{
    struct exchange_state *state = exchange->state;
    begin_whole_response(exchange, state->reply_status, state->reply_body, step);
    /* of the response that it replaces, nothing stays */
    struct headers spare = exchange->response.headers;
    exchange->response.headers = state->reply_headers;
    state->reply_headers = spare;
    state->has_reply = false;
}

size_t exchange_unseen_depth(const struct exchange *exchange)
{
    bool have_all_seen = exchange->phase == EXCHANGE_FORWARDED || exchange->state->is_collecting;
    return have_all_seen ? exchange->chain->count : exchange->state->position;
}
