#include "filter/core_calls.h"

/* The half whose hook may set that reply; NULL, after a line in the log, where it may not. */
static struct half *find_replying(const struct exchange *exchange, const char *call, int32_t status, struct slice type)
{
    struct half *half = working_half(exchange);
    if (half == NULL)
        refuse_call(exchange, call, "the exchange is over");
    else if (exchange->state->is_head_sent)
        refuse_call(exchange, call, "the response's head has been sent");
    else if (status < 200 || status > 599)
        refuse_call(exchange, call, "a status is 200 to 599");
    else if (!header_is_value(type))
        refuse_call(exchange, call, "the content type holds a control character, or a blank at an end");
    else
        return half;
    return NULL;
}

/* Gives back what a filter has lent; on the loop thread, as it was promised. */
static void release_loan(struct exchange *exchange, struct loan *loan)
{
    if (loan->release == NULL || !exchange_is_leased(exchange)) {
        exchange_release(loan);
        return;
    }
    runtime_post(exchange->runtime,
                 &(struct letter){.ticket = RUNTIME_NO_TICKET, .result = loan->data, .drop = loan->release});
    *loan = (struct loan){0};
}

static void set_reply(struct exchange *exchange, struct half *half, int32_t status, struct slice type,
                      struct slice body)
{
    release_loan(exchange, &half->reply.loan);
    if (type.length != 0)
        headers_set(&half->reply.headers, exchange_memory(exchange), SLICE("content-type"),
                    arena_copy(exchange_memory(exchange), type));
    half->reply.is_set = true;
    half->reply.is_streamed = false;
    half->reply.status = status;
    half->reply.body = body;
}

bool core_reply(struct flexilib_exchange *seen, int32_t status, const char *content_type, size_t content_type_length,
                const char *body, size_t body_length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice type = slice_of(content_type, content_type_length);
    struct half *half = find_replying(exchange, "reply", status, type);
    if (half == NULL)
        return false;
    set_reply(exchange, half, status, type, arena_copy(exchange_memory(exchange), slice_of(body, body_length)));
    return true;
}

bool core_reply_lent(struct flexilib_exchange *seen, int32_t status, const char *content_type,
                     size_t content_type_length, const char *body, size_t body_length, void (*release)(void *data),
                     void *data)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice type = slice_of(content_type, content_type_length);
    struct half *half = find_replying(exchange, "reply_lent", status, type);
    struct loan loan = {release, data};
    if (half == NULL) {
        release_loan(exchange, &loan);
        return false;
    }
    set_reply(exchange, half, status, type, slice_of(body, body_length));
    half->reply.loan = loan;
    return true;
}

bool core_reply_stream(struct flexilib_exchange *seen, int32_t status, const char *content_type,
                       size_t content_type_length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice type = slice_of(content_type, content_type_length);
    struct half *half = find_replying(exchange, "reply_stream", status, type);
    if (half == NULL)
        return false;
    if (exchange->chain->uses[half->step]->filter->on_reply_body == NULL)
        return refuse_call(exchange, "reply_stream", "the filter has no on_reply_body");
    set_reply(exchange, half, status, type, SLICE_NONE);
    half->reply.is_streamed = true;
    return true;
}

bool core_end_reply(struct flexilib_exchange *seen)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    if (half == NULL || half->hook != SLOT_HOOK_REPLY_BODY)
        return refuse_call(exchange, "end_reply", "it belongs into on_reply_body");
    half->is_reply_ended = true;
    return true;
}
