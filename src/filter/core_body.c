#include "filter/core_calls.h"

static bool is_body_hook(const struct half *half)
{
    return half != NULL && (half->hook == SLOT_HOOK_REQUEST_BODY || half->hook == SLOT_HOOK_RESPONSE_BODY);
}

static bool only_observes(const struct exchange *exchange, const struct half *half)
{
    return is_body_hook(half) && use_observes(exchange->chain->uses[half->step]);
}

bool core_pass(struct flexilib_exchange *seen)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    if (!is_body_hook(half))
        return refuse_call(exchange, "pass", "only a body hook decides about bytes");
    if (only_observes(exchange, half))
        return refuse_call(exchange, "pass", "the filter is one that only observes");
    exchange_emit_piece(exchange, half);
    return true;
}

bool core_write(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    bool gives_reply = half != NULL && half->hook == SLOT_HOOK_REPLY_BODY;
    if (!is_body_hook(half) && !gives_reply)
        return refuse_call(exchange, "write", "only a body hook decides about bytes");
    if (only_observes(exchange, half))
        return refuse_call(exchange, "write", "the filter is one that only observes");
    if (half->is_reply_ended)
        return refuse_call(exchange, "write", "the reply has been ended");
    exchange_emit(exchange, half, slice_of(data, length));
    return true;
}

/* The half at hand, where its head hook is running. */
static struct half *find_head_half(const struct exchange *exchange, flexilib_half which, const char *call)
{
    struct half *half = working_half(exchange);
    if (half != NULL && is_head_hook(half) && half->which == which)
        return half;
    refuse_call(exchange, call,
                which == FLEXILIB_RESPONSE ? "it belongs into on_response_head" : "it belongs into on_request_head");
    return NULL;
}

static bool has_hook_for_body(const struct exchange *exchange, const struct half *half, const char *call)
{
    const struct flexilib_filter *filter = exchange->chain->uses[half->step]->filter;
    if ((half->which == FLEXILIB_REQUEST ? filter->on_request_body : filter->on_response_body) != NULL)
        return true;
    return refuse_call(exchange, call, "the filter has no hook for that body");
}

bool core_collect(struct flexilib_exchange *seen, flexilib_half which, uint64_t limit)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = find_head_half(exchange, which, "collect");
    if (half == NULL || !has_hook_for_body(exchange, half, "collect"))
        return false;
    half->asks_whole = true;
    half->most_bytes = limit;
    return true;
}

bool core_hold_head(struct flexilib_exchange *seen, flexilib_half which)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = find_head_half(exchange, which, "hold_head");
    if (half == NULL || !has_hook_for_body(exchange, half, "hold_head"))
        return false;
    half->asks_hold = true;
    return true;
}

bool core_skip_body(struct flexilib_exchange *seen, flexilib_half which)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = find_head_half(exchange, which, "skip_body");
    if (half == NULL)
        return false;
    exchange->state->steps[half->step].skips_body[which] = true;
    return true;
}
