#include "filter/exchange_state.h"

static bool has_head_hook(const struct exchange *exchange, const struct half *half, size_t step)
{
    const struct flexilib_filter *filter = exchange->chain->uses[step]->filter;
    bool has_hook =
        half->which == FLEXILIB_REQUEST ? filter->on_request_head != NULL : filter->on_response_head != NULL;
    return has_hook && exchange_is_active(exchange, step);
}

bool exchange_has_body_hook(const struct exchange *exchange, const struct half *half, size_t step)
{
    const struct flexilib_filter *filter = exchange->chain->uses[step]->filter;
    bool has_hook =
        half->which == FLEXILIB_REQUEST ? filter->on_request_body != NULL : filter->on_response_body != NULL;
    return has_hook && exchange_is_active(exchange, step) && !exchange->state->steps[step].skips_body[half->which];
}

void exchange_note_body_hooks(const struct exchange *exchange, struct half *half)
{
    half->has_body_hooks = half->may_change = half->decoding != NULL;
    half->may_block = false;
    for (size_t step = 0; step < half->count; ++step) {
        if (!exchange_has_body_hook(exchange, half, step))
            continue;
        half->has_body_hooks = true;
        half->may_change = half->may_change || !use_observes(exchange->chain->uses[step]);
        half->may_block = half->may_block || exchange->chain->uses[step]->is_blocking;
    }
}

void exchange_begin_half(struct exchange *exchange, struct half *half, size_t count)
{
    exchange_leave_pause(exchange, half);
    exchange_forget_collected(exchange, half);
    exchange_end_decoding(exchange, half);
    half->count = count;
    half->heads = half->passed = 0;
    half->hook = SLOT_HOOK_NONE;
    half->is_held = half->is_collecting = half->has_piece = half->is_last = false;
    half->asks_hold = half->asks_whole = half->is_changed = half->has_body_hooks = half->may_change = false;
    exchange_drop_reply(half);
}

/* Keeps the head where it is, if the step that has just seen it wants that. Without a body there is nothing to wait
 * for. */
static void hold_head(struct exchange *exchange, struct half *half)
{
    size_t step = exchange_holder(half);
    const struct use *use = exchange->chain->uses[step];
    bool wants_whole = half->asks_whole, wants_hold = half->asks_hold;
    half->asks_hold = half->asks_whole = false;
    if (half->which == FLEXILIB_REQUEST && use->wants_whole_requests && !wants_whole) {
        wants_whole = true;
        half->most_bytes = UINT64_MAX;
    }
    if (!(wants_whole || wants_hold) || !exchange_has_body_hook(exchange, half, step))
        return;
    if (half->which == FLEXILIB_RESPONSE && !exchange_has_body(exchange))
        return;
    half->is_held = true;
    half->is_collecting = wants_whole;
}

/* The step that is next has seen the head. */
static void count_head(struct exchange *exchange, struct half *half)
{
    ++half->heads;
    if (half->asks_hold || half->asks_whole || exchange->chain->uses[exchange_holder(half)]->wants_whole_requests)
        hold_head(exchange, half);
}

bool exchange_pass_head(struct exchange *exchange, struct half *half)
{
    enum slot_hook hook = half->which == FLEXILIB_REQUEST ? SLOT_HOOK_REQUEST_HEAD : SLOT_HOOK_RESPONSE_HEAD;
    while (half->heads < half->count && !half->is_held) {
        size_t step = exchange_step_at(half, half->heads);
        if (!has_head_hook(exchange, half, step))
            count_head(exchange, half);
        else if (!exchange_run_hook(exchange, half, hook, step))
            return false;
    }
    return true;
}

void exchange_take_piece(struct exchange *exchange, struct half *half, struct slice piece, bool last)
{
    exchange_forget_lent(exchange, half);
    half->has_piece = true;
    half->piece = piece;
    half->is_piece_lent = true;
    half->is_last = last;
    half->is_decoded = false;
    half->passed = 0;
}

static bool is_at_holder(const struct half *half)
{
    return half->is_held && half->passed + 1 == half->heads;
}

static bool is_to_be_decoded(const struct half *half)
{
    return half->decoding != NULL && !half->is_decoded && half->passed == half->decoded_at;
}

bool exchange_pass_piece(struct exchange *exchange, struct half *half)
{
    enum slot_hook hook = half->which == FLEXILIB_REQUEST ? SLOT_HOOK_REQUEST_BODY : SLOT_HOOK_RESPONSE_BODY;
    if (exchange_is_head_through(half) && !half->has_body_hooks)
        half->passed = half->count;
    while (half->passed < half->heads) {
        size_t step = exchange_step_at(half, half->passed);
        if (is_to_be_decoded(half) && !exchange_decode_piece(exchange, half))
            return false;
        /* a filter keeps it to itself for now: those behind it have nothing to look at */
        if (half->piece.length == 0 && !half->is_last)
            break;
        if (is_at_holder(half) && half->is_collecting && !exchange_collect(exchange, half, step))
            return false;
        if (!exchange_has_body_hook(exchange, half, step)) {
            ++half->passed;
            continue;
        }
        if (!exchange_run_hook(exchange, half, hook, step))
            return false;
    }
    half->has_piece = half->piece.length != 0 || half->is_last;
    return half->has_piece;
}

static bool is_body_hook(enum slot_hook hook)
{
    return hook == SLOT_HOOK_REQUEST_BODY || hook == SLOT_HOOK_RESPONSE_BODY;
}

void exchange_leave_hook(struct exchange *exchange, struct half *half)
{
    bool is_skipped = !exchange_is_active(exchange, half->step);
    if (is_body_hook(half->hook)) {
        if (is_at_holder(half) && (is_skipped || half->is_last || half->piece.length != 0))
            half->is_held = half->is_collecting = false;
        ++half->passed;
    } else if (half->hook != SLOT_HOOK_REPLY_BODY) {
        count_head(exchange, half);
    }
    exchange_drop_reply(half);
    half->hook = SLOT_HOOK_NONE;
    half->ticket = 0;
}
