#include "filter/exchange_state.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

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

void exchange_emit(struct exchange *exchange, struct slice data)
{
    struct exchange_state *state = exchange->state;
    struct text *buffer = &state->buffers[state->output_buffer];
    if (data.length == 0)
        return;
    if (state->is_output_borrowed) {
        text_add(buffer, state->output);
        state->is_output_borrowed = false;
    }
    text_add(buffer, data);
    state->output = text_slice(buffer);
}

void exchange_emit_piece(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->output.length != 0) {
        exchange_emit(exchange, state->piece);
        return;
    }
    state->output = state->piece;
    state->is_output_borrowed = true;
}

/* What was said of a body need not be true of what a filter has made of it. */
static void drop_trailers(struct exchange *exchange, bool is_request)
{
    if (is_request)
        exchange->request_trailers.count = 0;
    else
        exchange->state->is_body_changed = true;
}

/* Makes what the hook has sent on the piece that the next filter is given. */
static void take_output(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct slice output = state->output;
    bool is_request = state->hook == SLOT_HOOK_REQUEST_BODY;
    if (!is_request && (state->piece.length != 0 || output.length != 0))
        state->steps[state->step].has_decided = true;
    if (output.length != state->piece.length || !(state->is_output_borrowed || output.length == 0))
        drop_trailers(exchange, is_request);
    if (is_request && output.length != 0 && !state->is_output_borrowed) {
        /* it has to last until the exchange ends, so it moves out of the buffers that the response needs */
        struct text spare = state->request_body;
        state->request_body = state->buffers[state->output_buffer];
        state->buffers[state->output_buffer] = spare;
        output = text_slice(&state->request_body);
    } else if (output.length != 0 && !state->is_output_borrowed) {
        state->output_buffer ^= 1;
    }
    state->piece = output;
    if (is_request)
        exchange->request_body = output;
}

static void begin_hook(struct exchange *exchange, enum slot_hook hook, size_t step)
{
    struct exchange_state *state = exchange->state;
    state->hook = hook;
    state->step = step;
    state->steps[step].is_seen = true;
    state->has_reply = false;
    state->reply_headers.count = 0;
    if (exchange_is_body_hook(exchange)) {
        state->output = SLICE_NONE;
        state->is_output_borrowed = false;
        text_clear(&state->buffers[state->output_buffer]);
    }
}

static flexilib_answer call_hook(struct exchange *exchange, const struct use *use)
{
    const struct exchange_state *state = exchange->state;
    const struct flexilib_filter *filter = use->filter;
    struct flexilib_exchange *seen = (struct flexilib_exchange *)exchange;
    const char *data = state->piece.length == 0 ? "" : state->piece.data;
    switch (state->hook) {
    case SLOT_HOOK_REQUEST_HEAD:
        return filter->on_request_head(use->data, seen);
    case SLOT_HOOK_REQUEST_BODY:
        return filter->on_request_body(use->data, seen, data, state->piece.length, true);
    case SLOT_HOOK_RESPONSE_HEAD:
        return filter->on_response_head(use->data, seen);
    default:
        return filter->on_response_body(use->data, seen, data, state->piece.length, state->is_last);
    }
}

static flexilib_answer call_resume(struct exchange *exchange, const struct use *use)
{
    struct exchange_state *state = exchange->state;
    state->is_resumed = false;
    if (use->filter->on_resume != NULL)
        return use->filter->on_resume(use->data, (struct flexilib_exchange *)exchange, state->result);
    if (state->drop != NULL)
        state->drop(state->result);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer run_code(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    const struct use *use = exchange->chain->uses[state->step];
    bool is_resumed = state->is_resumed;
    state->ticket = 0;
    state->is_in_hook = true;
    runtime_enter(exchange->runtime, use, is_resumed ? SLOT_HOOK_RESUME : state->hook, state->slot_id);
    flexilib_answer answer = is_resumed ? call_resume(exchange, use) : call_hook(exchange, use);
    runtime_leave(exchange->runtime);
    state->is_in_hook = false;
    return answer;
}

static bool is_request_hook(const struct exchange *exchange)
{
    enum slot_hook hook = exchange->state->hook;
    return hook == SLOT_HOOK_REQUEST_HEAD || hook == SLOT_HOOK_REQUEST_BODY;
}

/* The hook is over and the next filter may have its turn, unless the owner has answered during a pause. */
static bool leave_hook(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (is_request_hook(exchange)) {
        /* fields set for a reply that did not come */
        exchange->response.headers.count = 0;
        ++state->position;
    } else {
        --state->position;
    }
    state->hook = SLOT_HOOK_NONE;
    state->ticket = 0;
    return state->answer_status == 0;
}

static bool settle_continue(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    if (state->has_reply)
        exchange_blame(exchange, state->step, "set a reply in %s and did not answer FLEXILIB_REPLY: it is dropped",
                       slot_hook_name(state->hook));
    if (exchange_is_body_hook(exchange))
        take_output(exchange);
    return leave_hook(exchange);
}

static bool settle_pause(struct exchange *exchange)
{
    exchange->state->is_paused = true;
    exchange->owner->paused(exchange, true);
    return false;
}

static bool settle_reply(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    size_t step = state->step;
    if (state->has_reply && !state->is_head_sent) {
        exchange_start_reply(exchange, step);
        return false;
    }
    exchange_blame(exchange, step,
                   state->is_head_sent ? "answered FLEXILIB_REPLY in %s, when the response was under way"
                                       : "answered FLEXILIB_REPLY in %s without a reply",
                   slot_hook_name(state->hook));
    exchange_start_answer(exchange, 500, SLICE_NONE, step);
    return false;
}

static bool settle_failure(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct step *step = &state->steps[state->step];
    if (exchange->chain->uses[state->step]->on_error == ERROR_POLICY_OPEN && !step->has_decided) {
        step->is_skipped = true;
        return leave_hook(exchange);
    }
    exchange_start_answer(exchange, 503, SLICE_NONE, state->step);
    return false;
}

bool exchange_run_hook(struct exchange *exchange, enum slot_hook hook, size_t step)
{
    struct exchange_state *state = exchange->state;
    if (!state->is_resumed)
        begin_hook(exchange, hook, step);
    flexilib_answer answer = run_code(exchange);
    switch (answer) {
    case FLEXILIB_CONTINUE:
        return settle_continue(exchange);
    case FLEXILIB_PAUSE:
        if (state->ticket != 0)
            return settle_pause(exchange);
        exchange_blame(exchange, step, "answered FLEXILIB_PAUSE in %s without having taken a ticket",
                       slot_hook_name(hook));
        return settle_failure(exchange);
    case FLEXILIB_REPLY:
        return settle_reply(exchange);
    case FLEXILIB_FAIL:
        exchange_blame(exchange, step, "failed in %s", slot_hook_name(hook));
        return settle_failure(exchange);
    default:
        exchange_blame(exchange, step, "answered %d in %s, which is no answer", (int)answer, slot_hook_name(hook));
        return settle_failure(exchange);
    }
}

void exchange_run_ends(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    state->hook = SLOT_HOOK_END;
    for (size_t i = exchange->chain->count; i > 0; --i) {
        const struct use *use = exchange->chain->uses[i - 1];
        if (!state->steps[i - 1].is_seen || use->filter->on_end == NULL)
            continue;
        state->step = i - 1;
        state->is_in_hook = true;
        runtime_enter(exchange->runtime, use, SLOT_HOOK_END, state->slot_id);
        use->filter->on_end(use->data, (struct flexilib_exchange *)exchange);
        runtime_leave(exchange->runtime);
        state->is_in_hook = false;
    }
}
