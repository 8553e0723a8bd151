#include "filter/exchange_state.h"

#include "base/log.h"
#include "filter/isolated_own.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    RETRY_AFTER_S = 1, /* where all threads are taken */
};

void exchange_blame(const struct exchange *exchange, size_t step, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    log_line(LOG_LEVEL_ERROR, "filter '%.*s': %s (request %.*s)", SLICE_ARG(exchange->chain->uses[step]->name),
             sentence, SLICE_ARG(exchange->id));
}

void exchange_blame_stranger(const struct exchange *exchange, const char *call)
{
    const struct runtime *runtime = exchange->state->runtime;
    const struct slot *slot = runtime->slot;
    if (slot == NULL || !pthread_equal(pthread_self(), runtime->loop_thread) || slot->call.hook == SLOT_HOOK_NONE)
        return;
    log_line(LOG_LEVEL_ERROR, "filter '%s': %s in %s was refused: no hook of that exchange is running",
             slot->call.filter, call, slot_hook_name(slot->call.hook));
}

static struct text *find_buffer(struct exchange *exchange, const struct half *half)
{
    return &exchange->state->buffers[half->which][half->output_buffer];
}

void exchange_emit(struct exchange *exchange, struct half *half, struct slice data)
{
    struct text *buffer = find_buffer(exchange, half);
    if (data.length == 0)
        return;
    if (half->is_output_borrowed) {
        text_add(buffer, half->output);
        half->is_output_borrowed = false;
    }
    text_add(buffer, data);
    half->output = text_slice(buffer);
}

void exchange_emit_piece(struct exchange *exchange, struct half *half)
{
    if (half->output.length != 0) {
        exchange_emit(exchange, half, half->piece);
        return;
    }
    half->output = half->piece;
    half->is_output_borrowed = true;
}

static bool is_body_hook(const struct half *half)
{
    return half->hook == SLOT_HOOK_REQUEST_BODY || half->hook == SLOT_HOOK_RESPONSE_BODY;
}

/* Makes what the hook has sent on the piece that the next filter is given. */
static void take_output(struct exchange *exchange, struct half *half)
{
    struct slice output = half->output;
    struct step *step = &exchange->state->steps[half->step];
    if (use_observes(exchange->chain->uses[half->step]))
        return;
    bool has_decided = step->has_decided[half->which] || half->piece.length != 0 || output.length != 0;
    step->has_decided[half->which] = has_decided && !half->is_last;
    /* what trailers say of a body need not be true of what a filter has made of it */
    if (output.length != half->piece.length || !(half->is_output_borrowed || output.length == 0))
        half->is_changed = true;
    if (output.length != 0 && !half->is_output_borrowed) {
        half->output_buffer ^= 1;
        half->is_piece_lent = false;
    }
    half->piece = output;
}

static void begin_hook(struct exchange *exchange, struct half *half, enum slot_hook hook, size_t step)
{
    half->hook = hook;
    half->step = step;
    exchange->state->steps[step].is_seen = true;
    half->asks_hold = half->asks_whole = half->is_reply_ended = false;
    bool is_head = hook == SLOT_HOOK_REQUEST_HEAD || hook == SLOT_HOOK_RESPONSE_HEAD;
    if (is_head)
        exchange->state->steps[step].skips_body[half->which] = false;
    exchange_drop_reply(half);
    half->reply.headers.count = 0;
    if (is_head)
        return;
    half->output = SLICE_NONE;
    half->is_output_borrowed = false;
    text_clear(find_buffer(exchange, half));
}

static flexilib_answer call_hook(struct exchange *exchange, const struct half *half, const struct use *use)
{
    const struct flexilib_filter *filter = use->filter;
    struct flexilib_exchange *seen = (struct flexilib_exchange *)exchange;
    const char *data = half->piece.length == 0 ? "" : half->piece.data;
    switch (half->hook) {
    case SLOT_HOOK_REQUEST_HEAD:
        return filter->on_request_head(use->data, seen);
    case SLOT_HOOK_REQUEST_BODY:
        return filter->on_request_body(use->data, seen, data, half->piece.length, half->is_last);
    case SLOT_HOOK_RESPONSE_HEAD:
        return filter->on_response_head(use->data, seen);
    case SLOT_HOOK_REPLY_BODY:
        return filter->on_reply_body(use->data, seen);
    default:
        return filter->on_response_body(use->data, seen, data, half->piece.length, half->is_last);
    }
}

static flexilib_answer call_resume(struct exchange *exchange, struct half *half, const struct use *use)
{
    half->is_resumed = false;
    if (use->filter->on_resume != NULL)
        return use->filter->on_resume(use->data, (struct flexilib_exchange *)exchange, half->result);
    if (half->drop != NULL)
        half->drop(half->result);
    bool may_go_on = half->hook != SLOT_HOOK_REPLY_BODY || half->output.length != 0 || half->is_reply_ended;
    return may_go_on ? FLEXILIB_CONTINUE : call_hook(exchange, half, use);
}

static void call_end(struct exchange *exchange, const struct half *half, const struct use *use)
{
    use->filter->on_end(use->data, (struct flexilib_exchange *)exchange);
}

/* Dropping a result that nobody takes is the loop's concern. */
static bool needs_thread(const struct exchange *exchange, const struct half *half)
{
    const struct use *use = exchange->chain->uses[half->step];
    return use->is_blocking && !(half->is_resumed && use->filter->on_resume == NULL);
}

static flexilib_answer call_code(struct exchange *exchange, struct half *half, const struct use *use)
{
    if (half->is_resumed)
        return call_resume(exchange, half, use);
    if (half->hook != SLOT_HOOK_END)
        return call_hook(exchange, half, use);
    call_end(exchange, half, use);
    return FLEXILIB_CONTINUE;
}

/* The one place from which the code of filters is called for an exchange. */
flexilib_answer exchange_call_hook(struct exchange *exchange, struct half *half)
{
    const struct use *use = exchange->chain->uses[half->step];
    enum slot_hook hook = half->is_resumed ? SLOT_HOOK_RESUME : half->hook;
    struct hook_counts *counts = use->is_stand_in ? NULL : use->counts;
    struct hook_watch watch = hook_counts_begin(counts, hook, !needs_thread(exchange, half));
    flexilib_answer answer = call_code(exchange, half, use);
    hook_counts_end(&watch);
    return answer;
}

static flexilib_answer run_code(struct exchange *exchange, struct half *half)
{
    struct exchange_state *state = exchange->state;
    const struct use *use = exchange->chain->uses[half->step];
    half->ticket = 0;
    state->running = half;
    runtime_enter(exchange->runtime, use, half->is_resumed ? SLOT_HOOK_RESUME : half->hook, &state->slot_request);
    flexilib_answer answer = exchange_call_hook(exchange, half);
    runtime_leave(exchange->runtime);
    state->running = NULL;
    return answer;
}

static bool settle_failure(struct exchange *exchange, struct half *half)
{
    bool gives_reply = half->hook == SLOT_HOOK_REPLY_BODY;
    hook_counts_fail(exchange->chain->uses[half->step]->counts, half->hook);
    if (!gives_reply && exchange_try_skip(exchange, half->step, half->which)) {
        exchange_leave_hook(exchange, half);
        return true;
    }
    int status = exchange->state->failure_status;
    exchange_start_answer(exchange, status == 0 ? 503 : status, SLICE_NONE, half->step);
    return false;
}

/* A filter whose process is gone has been blamed for that. */
static bool settle_fail(struct exchange *exchange, struct half *half)
{
    if (exchange->state->failure_status == 0)
        exchange_blame(exchange, half->step, "failed in %s", slot_hook_name(half->hook));
    bool goes_on = settle_failure(exchange, half);
    exchange->state->failure_status = 0;
    return goes_on;
}

/* Makes what on_reply_body has written the next piece of the response. */
static bool take_reply(struct exchange *exchange, struct half *half)
{
    if (half->output.length == 0 && !half->is_reply_ended) {
        exchange_blame(exchange, half->step, "neither wrote nor ended its reply in on_reply_body");
        return settle_failure(exchange, half);
    }
    if (half->is_reply_ended)
        exchange->state->streamer = 0;
    exchange_take_piece(exchange, half, half->output, half->is_reply_ended);
    half->output_buffer ^= 1;
    exchange_leave_hook(exchange, half);
    return true;
}

static bool settle_continue(struct exchange *exchange, struct half *half)
{
    if (half->reply.is_set)
        exchange_blame(exchange, half->step, "set a reply in %s and did not answer FLEXILIB_REPLY: it is dropped",
                       slot_hook_name(half->hook));
    if (half->hook == SLOT_HOOK_REPLY_BODY)
        return take_reply(exchange, half);
    if (is_body_hook(half))
        take_output(exchange, half);
    exchange_leave_hook(exchange, half);
    return true;
}

static bool settle_reply(struct exchange *exchange, struct half *half)
{
    bool is_too_late = exchange->state->is_head_sent;
    if (half->reply.is_set && !is_too_late) {
        exchange_start_reply(exchange, half);
        return false;
    }
    exchange_blame(exchange, half->step,
                   is_too_late ? "answered FLEXILIB_REPLY in %s, when the response was under way"
                               : "answered FLEXILIB_REPLY in %s without a reply",
                   slot_hook_name(half->hook));
    hook_counts_fail(exchange->chain->uses[half->step]->counts, half->hook);
    exchange_start_answer(exchange, 500, SLICE_NONE, half->step);
    return false;
}

/* A pause of the other half ends, and its piece goes on as it is. The head that it held goes on too; with what has been
 * collected so far, when the next piece comes. */
static void leave_other_half(struct exchange *exchange, struct half *other, size_t step)
{
    if (other->hook != SLOT_HOOK_NONE && other->step == step) {
        exchange_leave_pause(exchange, other);
        exchange_leave_hook(exchange, other);
    }
    if (other->is_held && exchange_holder(other) == step && body_store_is_empty(&other->collected))
        other->is_held = other->is_collecting = false;
}

bool exchange_try_skip(struct exchange *exchange, size_t number, flexilib_half failed)
{
    struct exchange_state *state = exchange->state;
    struct step *step = &state->steps[number];
    if (exchange->chain->uses[number]->on_error != ERROR_POLICY_OPEN || step->has_decided[0] || step->has_decided[1])
        return false;
    step->is_skipped = true;
    leave_other_half(exchange, failed == FLEXILIB_REQUEST ? &state->response : &state->request, number);
    return true;
}

bool exchange_settle_hook(struct exchange *exchange, struct half *half, flexilib_answer answer)
{
    if (exchange_is_guest(exchange)) {
        exchange_settle_guest(exchange, half, answer);
        return false;
    }
    switch (answer) {
    case FLEXILIB_CONTINUE:
        return settle_continue(exchange, half);
    case FLEXILIB_PAUSE:
        if (half->ticket != 0) {
            exchange_begin_pause(exchange, half);
            return false;
        }
        exchange_blame(exchange, half->step, "answered FLEXILIB_PAUSE in %s without having taken a ticket",
                       slot_hook_name(half->hook));
        return settle_failure(exchange, half);
    case FLEXILIB_REPLY:
        return settle_reply(exchange, half);
    case FLEXILIB_FAIL:
        return settle_fail(exchange, half);
    default:
        exchange_blame(exchange, half->step, "answered %d in %s, which is no answer", (int)answer,
                       slot_hook_name(half->hook));
        return settle_failure(exchange, half);
    }
}

/* There is no thread for the hook, now that its filter needs one. */
static bool settle_crowd(struct exchange *exchange, struct half *half)
{
    struct exchange_state *state = exchange->state;
    exchange_leave_pause(exchange, half);
    runtime_tell_crowd(exchange->runtime, exchange->chain->uses[half->step], exchange->id);
    state->retry_after_s = RETRY_AFTER_S;
    if (exchange_is_guest(exchange)) {
        exchange_settle_guest(exchange, half, FLEXILIB_FAIL);
        return false;
    }
    bool goes_on = settle_failure(exchange, half);
    state->retry_after_s = 0;
    return goes_on;
}

bool exchange_run_hook(struct exchange *exchange, struct half *half, enum slot_hook hook, size_t step)
{
    bool was_seen = exchange->state->steps[step].is_seen;
    if (!half->is_resumed)
        begin_hook(exchange, half, hook, step);
    if (!needs_thread(exchange, half))
        return exchange_settle_hook(exchange, half, run_code(exchange, half));
    return !exchange_begin_lease(exchange, half, was_seen) && settle_crowd(exchange, half);
}

bool exchange_run_ends(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = &state->response;
    half->hook = SLOT_HOOK_END;
    while (state->ends > 0) {
        half->step = --state->ends;
        const struct use *use = exchange->chain->uses[half->step];
        if (!state->steps[half->step].is_seen || use->filter->on_end == NULL)
            continue;
        if (!use->is_blocking)
            run_code(exchange, half);
        else if (exchange_begin_lease(exchange, half, true))
            return false;
    }
    return true;
}
