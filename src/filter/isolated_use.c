#include "filter/isolated_use.h"

#include "base/alloc.h"
#include "filter/core_calls.h"
#include "filter/isolated_message.h"
#include "filter/library_own.h"

#include <stdlib.h>

/* What a pause ends with. */
struct outcome {
    int status; /* there is no answer; 0: there is */
    size_t length;
    char message[];
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *options, void **filter)
{
    struct use *use = use_of_core_changing(core);
    const struct isolated_filter *own = library_isolated(use->library, use->filter);
    bool is_waiting = false;
    *filter = (void *)(uintptr_t)own;
    struct error problem = ERROR_INIT, *error = use->creation->error;
    if (!own->services->create(own->context, use->step_number, core, &is_waiting, &problem)) {
        if (problem.line != 0)
            *error = problem;
        else
            error_set_at(error, use->creation->place, "filter '%.*s': %s", SLICE_ARG(use->name), problem.message);
        return false;
    }
    if (is_waiting)
        core_defer_ready(core);
    return true;
}

static struct isolated_visit *begin_visit(const struct isolated_filter *own, struct exchange *exchange)
{
    struct isolated_visit *visit = arena_zalloc(exchange_memory(exchange), sizeof(*visit));
    visit->filter = own;
    visit->exchange = exchange;
    return visit;
}

static flexilib_answer fail(struct exchange *exchange, int status)
{
    const struct half *half = working_half(exchange);
    exchange_blame(exchange, half->step,
                   status == 504   ? "its process was ended, as %s took too long"
                   : status == 413 ? "a body that %s was to have is too large to be sent to its process"
                                   : "its process has ended in %s",
                   slot_hook_name(half->hook));
    exchange->state->failure_status = status == 413 ? 502 : status;
    return FLEXILIB_FAIL;
}

/* Every hook. */
static flexilib_answer ask(void *filter, struct flexilib_exchange *seen)
{
    const struct isolated_filter *own = filter;
    struct exchange *exchange = exchange_of(seen);
    const struct half *half = working_half(exchange);
    struct isolated_visit *visit = core_state(seen);
    if (visit == NULL) {
        visit = begin_visit(own, exchange);
        core_set_state(seen, visit);
    }
    if (visit->is_lost)
        return fail(exchange, 502);
    visit->tickets[half->which] = core_ticket(seen);
    own->services->call(own->context, visit, half->which);
    return FLEXILIB_PAUSE;
}

static flexilib_answer on_body(void *filter, struct flexilib_exchange *seen, const char *data, size_t length, bool last)
{
    return ask(filter, seen);
}

static void on_end(void *filter, struct flexilib_exchange *seen)
{
    const struct isolated_filter *own = filter;
    struct isolated_visit *visit = core_state(seen);
    if (visit != NULL)
        own->services->end(own->context, visit, own->has_end);
}

/* Changes what the filter has changed, as if it did so itself. */
static void apply_request(struct flexilib_exchange *seen, const struct isolated_answer *answer)
{
    struct exchange *exchange = exchange_of(seen);
    struct request_head *request = &exchange->request;
    if (!slice_equals(answer->method, request->method))
        core_set_method(seen, answer->method.data, answer->method.length);
    if (!slice_equals(answer->scheme, request->scheme))
        core_set_scheme(seen, answer->scheme.data, answer->scheme.length);
    if (!slice_equals(answer->authority, request->authority) ||
        (answer->has_new_authority && !request->has_new_authority))
        core_set_authority(seen, answer->authority.data, answer->authority.length);
    if (!slice_equals(answer->path, request->path))
        core_set_path(seen, answer->path.data, answer->path.length);
    if (!slice_equals(answer->query, request->query))
        core_set_query(seen, answer->query.data, answer->query.length);
    const struct upstream_settings *upstream =
        isolated_upstream(exchange->runtime->services.settings, answer->upstream);
    if (upstream != NULL && upstream != exchange->upstream)
        core_set_upstream(seen, upstream->name.data, upstream->name.length);
}

static bool is_good_field(const struct header *field, bool is_request)
{
    return header_is_name(field->name) && header_is_value(field->value) && !header_is_hop_by_hop(field->name) &&
           !(is_request && slice_equals_nocase(field->name, SLICE("host")));
}

/* Fields that no filter could have set are left out. */
static void replace_fields(struct exchange *exchange, struct headers *fields, const struct headers *told,
                           bool is_request)
{
    struct arena *arena = exchange_memory(exchange);
    fields->count = 0;
    for (size_t i = 0; i < told->count; ++i) {
        if (is_good_field(&told->items[i], is_request))
            headers_add(fields, arena, arena_copy(arena, told->items[i].name), arena_copy(arena, told->items[i].value));
    }
}

static void apply_attributes(struct flexilib_exchange *seen, const struct headers *told)
{
    for (size_t i = 0; i < told->count; ++i) {
        const struct header *item = &told->items[i];
        const struct attribute *known = attributes_find(&exchange_of(seen)->attributes, item->name);
        if (known == NULL || !slice_equals(known->value, item->value))
            core_set_attribute(seen, item->name.data, item->name.length, item->value.data, item->value.length);
    }
}

static bool is_trace(struct slice digits)
{
    for (size_t i = 0; i < digits.length; ++i) {
        if (ascii_hexadecimal(digits.data[i]) < 0)
            return false;
    }
    return digits.length == EXCHANGE_TRACE_DIGITS;
}

static void apply_heads(struct flexilib_exchange *seen, struct half *half, const struct isolated_answer *answer)
{
    struct exchange *exchange = exchange_of(seen);
    bool is_head_open = half->is_held || is_head_hook(half);
    if (answer->has_request && half->which == FLEXILIB_REQUEST && is_head_open) {
        apply_request(seen, answer);
        replace_fields(exchange, &exchange->request.headers, &answer->request_headers, true);
    }
    if (answer->has_response && half->which == FLEXILIB_RESPONSE && is_head_open && !exchange->state->is_head_sent) {
        if (answer->response_status != exchange->response.status)
            core_set_status(seen, answer->response_status);
        replace_fields(exchange, &exchange->response.headers, &answer->response_headers, false);
    }
    if (answer->has_attributes)
        apply_attributes(seen, &answer->attributes);
    if (exchange->trace_digits[0] == '\0' && is_trace(answer->trace))
        memcpy(exchange->trace_digits, answer->trace.data, EXCHANGE_TRACE_DIGITS);
}

/* The outcome, which the answer stands in, is lent with the reply's body, and may be gone on return. */
static bool apply_reply(struct flexilib_exchange *seen, struct half *half, const struct isolated_answer *answer,
                        struct outcome *outcome)
{
    replace_fields(exchange_of(seen), &half->reply.headers, &answer->reply_headers, false);
    if (!answer->is_reply_streamed)
        return core_reply_lent(seen, answer->reply_status, NULL, 0, answer->reply_body.data, answer->reply_body.length,
                               free, outcome);
    bool is_set = core_reply_stream(seen, answer->reply_status, NULL, 0);
    free(outcome);
    return is_set;
}

static void apply_wishes(struct flexilib_exchange *seen, const struct half *half, const struct isolated_answer *answer)
{
    bool is_body = half->hook == SLOT_HOOK_REQUEST_BODY || half->hook == SLOT_HOOK_RESPONSE_BODY;
    if (is_head_hook(half)) {
        if (answer->asks_whole)
            core_collect(seen, half->which, answer->most_bytes);
        if (answer->asks_hold)
            core_hold_head(seen, half->which);
        if (answer->skips_request && half->which == FLEXILIB_REQUEST)
            core_skip_body(seen, FLEXILIB_REQUEST);
        if (answer->skips_response && half->which == FLEXILIB_RESPONSE)
            core_skip_body(seen, FLEXILIB_RESPONSE);
        return;
    }
    if (is_body && answer->is_passed)
        core_pass(seen);
    else if (answer->output.length != 0)
        core_write(seen, answer->output.data, answer->output.length);
    if (half->hook == SLOT_HOOK_REPLY_BODY && answer->is_reply_ended)
        core_end_reply(seen);
}

/* Takes the outcome, which the answer stands in. */
static flexilib_answer apply(struct flexilib_exchange *seen, struct isolated_visit *visit,
                             const struct isolated_answer *answer, struct outcome *outcome)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    bool is_good = answer->answer != FLEXILIB_PAUSE;
    if (answer->asks_decoding && is_head_hook(half))
        is_good = core_decode(seen, half->which) && is_good;
    apply_heads(seen, half, answer);
    visit->attribute_bytes = exchange->attributes.bytes;
    apply_wishes(seen, half, answer);
    if (answer->retry_after_s != 0)
        exchange->state->retry_after_s = answer->retry_after_s;
    if (answer->is_reply)
        is_good = apply_reply(seen, half, answer, outcome) && is_good;
    else
        free(outcome);
    if (is_good && answer->status >= 200 && answer->status <= 599)
        exchange_answer(exchange, answer->status, NULL);
    return is_good ? answer->answer : FLEXILIB_FAIL;
}

/* Tickets are numbers, and another filter may have guessed this one: then the result is whatever that one has. */
static flexilib_answer refuse_stranger(struct exchange *exchange, const struct half *half, void *result)
{
    if (result != NULL && half->drop != NULL)
        half->drop(result);
    exchange_blame(exchange, half->step, "was resumed by somebody else");
    return FLEXILIB_FAIL;
}

/* The half's pause has ended. */
static flexilib_answer on_resume(void *filter, struct flexilib_exchange *seen, void *result)
{
    struct exchange *exchange = exchange_of(seen);
    struct isolated_visit *visit = core_state(seen);
    const struct half *half = working_half(exchange);
    struct outcome *outcome = result;
    if (outcome == NULL || visit == NULL || visit->outcomes[half->which] != outcome)
        return refuse_stranger(exchange, half, result);
    visit->outcomes[half->which] = NULL;
    struct isolated_answer answer;
    struct arena lists;
    flexilib_answer answered = FLEXILIB_FAIL;
    int status = outcome->status;
    arena_init(&lists, 0);
    if (status == 0 && isolated_answer_read(slice_of(outcome->message, outcome->length), &lists, &answer)) {
        answered = apply(seen, visit, &answer, outcome);
    } else {
        if (status == 0)
            exchange_blame(exchange, working_half(exchange)->step, "its process sent what is no answer");
        else
            answered = fail(exchange, status);
        free(outcome);
    }
    arena_finish(&lists);
    return answered;
}

static void deliver(struct isolated_visit *visit, flexilib_half which, struct outcome *outcome)
{
    uint64_t ticket = visit->tickets[which];
    visit->tickets[which] = 0;
    visit->outcomes[which] = outcome;
    runtime_deliver(visit->exchange->runtime, &(struct letter){.ticket = ticket, .result = outcome, .drop = free});
}

void isolated_visit_answer(struct isolated_visit *visit, flexilib_half which, struct slice message)
{
    struct outcome *outcome = mem_try_realloc(NULL, sizeof(*outcome) + message.length);
    if (outcome == NULL) {
        isolated_visit_lose(visit, which, 502);
        return;
    }
    *outcome = (struct outcome){.length = message.length};
    if (message.length != 0)
        memcpy(outcome->message, message.data, message.length);
    deliver(visit, which, outcome);
}

void isolated_visit_lose(struct isolated_visit *visit, flexilib_half which, int status)
{
    struct outcome *outcome = mem_alloc(sizeof(*outcome));
    *outcome = (struct outcome){.status = status};
    visit->outcomes[which] = outcome;
    runtime_post(visit->exchange->runtime,
                 &(struct letter){.ticket = visit->tickets[which], .result = outcome, .drop = free});
    visit->tickets[which] = 0;
}

bool isolated_visit_may_repeat(const struct isolated_visit *visit, flexilib_half which)
{
    return visit->tickets[which] != 0 && exchange_has_ticket(visit->exchange, visit->tickets[which]) &&
           !exchange_is_leased(visit->exchange);
}

static const struct half *half_of(const struct isolated_visit *visit, flexilib_half which)
{
    const struct exchange_state *state = visit->exchange->state;
    return which == FLEXILIB_REQUEST ? &state->request : &state->response;
}

size_t isolated_visit_piece_bytes(const struct isolated_visit *visit, flexilib_half which)
{
    const struct half *half = half_of(visit, which);
    bool is_body = half->hook == SLOT_HOOK_REQUEST_BODY || half->hook == SLOT_HOOK_RESPONSE_BODY;
    return is_body ? half->piece.length : 0;
}

void isolated_visit_print(struct isolated_visit *visit, flexilib_half which, struct text *out)
{
    const struct half *half = half_of(visit, which);
    isolated_call_print(visit->exchange, half, !visit->is_known, visit->is_known ? visit->attribute_bytes : 0, out);
    visit->attribute_bytes = visit->exchange->attributes.bytes;
}

void isolated_visit_print_end(const struct isolated_visit *visit, struct text *out)
{
    isolated_call_print(visit->exchange, &visit->exchange->state->response, false, visit->attribute_bytes, out);
}

static struct flexilib_filter make(const struct flexilib_filter *told)
{
    return (struct flexilib_filter){
        .name = told->name,
        .summary = told->summary,
        .version = told->version,
        .options = told->options,
        .option_count = told->option_count,
        .create = create,
        .on_request_head = told->on_request_head == NULL ? NULL : ask,
        .on_request_body = told->on_request_body == NULL ? NULL : on_body,
        .on_response_head = told->on_response_head == NULL ? NULL : ask,
        .on_response_body = told->on_response_body == NULL ? NULL : on_body,
        .on_reply_body = told->on_reply_body == NULL ? NULL : ask,
        .on_resume = on_resume,
        .on_end = on_end,
        .flags = told->flags & FLEXILIB_OBSERVES,
    };
}

const struct isolated_filter *isolated_use_make(struct library_entry *entry, const struct isolated_services *services,
                                                void *context, struct arena *arena)
{
    struct flexilib_filter *filters = arena_alloc(arena, entry->filter_count * sizeof(*filters));
    struct isolated_filter *own = arena_alloc(arena, entry->filter_count * sizeof(*own));
    for (size_t i = 0; i < entry->filter_count; ++i) {
        filters[i] = make(&entry->filters[i]);
        own[i] = (struct isolated_filter){services, context, entry->filters[i].on_end != NULL};
    }
    entry->filters = filters;
    return own;
}
