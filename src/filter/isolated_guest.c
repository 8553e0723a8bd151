#include "filter/isolated_guest.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/isolated_message.h"
#include "filter/isolated_own.h"

#include <stdlib.h>

/* The items of a list as they were; their texts are the exchange's. */
struct items_before {
    struct header *items;
    size_t count, capacity;
};

/* What a head was like before the hook ran, to tell what it has changed. */
struct head_before {
    struct slice method, scheme, authority, path, query;
    const struct upstream_settings *upstream;
    struct items_before request_items, response_items;
    int response_status;
    size_t attribute_bytes;
};

struct isolated_guest {
    struct exchange *exchange;
    const struct chain *chain;
    const struct guest_owner *owner;
    void *data;
    struct head_before before[2];
    struct text pieces[2];  /* the pieces at hand, by half */
    struct text waiting[2]; /* messages that came while a thread had the exchange; empty: none */
    uint64_t waiting_calls[2];
    uint64_t calls[2]; /* whose hooks are at hand, by half */
    bool is_due[2];    /* the hook is to be called */
    bool is_started;
};

static struct isolated_guest *guest_of(const struct exchange *exchange)
{
    return exchange->owner_data;
}

static struct half *half_of(const struct exchange *exchange, flexilib_half which)
{
    return which == FLEXILIB_REQUEST ? &exchange->state->request : &exchange->state->response;
}

/* The loop is told of pauses when they begin, which is when they are noted. */
static void on_paused(struct exchange *exchange, bool is_paused)
{
}

static void on_cancel(struct exchange *exchange)
{
}

static void on_finished(struct exchange *exchange)
{
    struct isolated_guest *guest = guest_of(exchange);
    const struct guest_owner *owner = guest->owner;
    void *data = guest->data;
    for (int i = 0; i < 2; ++i) {
        text_finish(&guest->pieces[i]);
        text_finish(&guest->waiting[i]);
        free(guest->before[i].request_items.items);
        free(guest->before[i].response_items.items);
    }
    free(guest);
    exchange_destroy(exchange);
    owner->finished(data);
}

static const struct exchange_owner guest_exchange_owner = {
    .cancel = on_cancel,
    .abort = on_cancel,
    .paused = on_paused,
    .finished = on_finished,
};

struct isolated_guest *isolated_guest_create(struct runtime *runtime, const struct chain *chain,
                                             const struct guest_owner *owner, void *data)
{
    struct isolated_guest *guest = mem_zalloc(sizeof(*guest));
    guest->chain = chain;
    guest->owner = owner;
    guest->data = data;
    guest->exchange = exchange_create(runtime, &guest_exchange_owner, guest);
    return guest;
}

bool isolated_guest_is_leased(const struct isolated_guest *guest)
{
    return exchange_is_leased(guest->exchange);
}

/* In the same memory for each call: there may be one for each piece of a body that never ends. */
static void note_items(struct items_before *before, const struct headers *headers)
{
    if (headers->count > before->capacity) {
        before->items = mem_realloc(before->items, headers->count * sizeof(*before->items));
        before->capacity = headers->count;
    }
    if (headers->count != 0)
        memcpy(before->items, headers->items, headers->count * sizeof(*before->items));
    before->count = headers->count;
}

static void note_before(const struct exchange *exchange, struct head_before *before)
{
    const struct request_head *request = &exchange->request;
    before->method = request->method;
    before->scheme = request->scheme;
    before->authority = request->authority;
    before->path = request->path;
    before->query = request->query;
    before->upstream = exchange->upstream;
    note_items(&before->request_items, &request->headers);
    note_items(&before->response_items, &exchange->response.headers);
    before->response_status = exchange->response.status;
    before->attribute_bytes = exchange->attributes.bytes;
}

/* What the filter has paused in is not waited for any more. */
static bool clear_half(struct exchange *exchange, struct half *half)
{
    if (half->is_paused) {
        exchange_leave_pause(exchange, half);
        exchange_drop_reply(half);
        half->hook = SLOT_HOOK_NONE;
    }
    return half->hook == SLOT_HOOK_NONE;
}

/* Reads the call into the exchange. */
static bool take_call(struct isolated_guest *guest, uint64_t number, struct slice message)
{
    struct exchange *exchange = guest->exchange;
    struct isolated_call call;
    if (!isolated_call_read(message, exchange, &call) || call.is_first == guest->is_started ||
        call.hook == SLOT_HOOK_END)
        return false;
    bool is_request = call.hook == SLOT_HOOK_REQUEST_HEAD || call.hook == SLOT_HOOK_REQUEST_BODY;
    struct half *half = half_of(exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE);
    if (!clear_half(exchange, half))
        return false;
    if (!guest->is_started)
        exchange_start_guest(exchange, guest->chain);
    guest->is_started = true;
    struct exchange_state *state = exchange->state;
    exchange->phase = call.phase;
    state->is_head_sent = call.is_head_sent;
    state->is_client_head = call.is_client_head;
    state->request_bytes = call.request_bytes;
    half->is_held = call.is_held;
    half->is_last = call.is_last;
    struct text *piece = &guest->pieces[half->which];
    text_clear(piece);
    text_add(piece, call.piece);
    half->piece = text_slice(piece);
    note_before(exchange, &guest->before[half->which]);
    guest->calls[half->which] = number;
    guest->is_due[half->which] = true;
    half->hook = call.hook;
    return true;
}

static bool put_off(struct isolated_guest *guest, uint64_t call, struct slice message)
{
    int place = guest->waiting[0].length != 0;
    if (guest->waiting[place].length != 0 || message.length == 0)
        return false;
    text_add(&guest->waiting[place], message);
    guest->waiting_calls[place] = call;
    return true;
}

bool isolated_guest_call(struct isolated_guest *guest, uint64_t call, struct slice message)
{
    struct exchange *exchange = guest->exchange;
    if (exchange_is_leased(exchange))
        return put_off(guest, call, message);
    if (!take_call(guest, call, message))
        return false;
    exchange_run(exchange);
    return true;
}

void isolated_guest_end(struct isolated_guest *guest, struct slice message)
{
    struct exchange *exchange = guest->exchange;
    struct isolated_call call;
    if (!guest->is_started) {
        on_finished(exchange);
        return;
    }
    /* what makes no sense is as good as nothing */
    if (message.length != 0 && !exchange_is_leased(exchange) && !isolated_call_read(message, exchange, &call))
        exchange->response.status = 0;
    exchange_gone(exchange);
}

enum turn exchange_turn_guest(struct exchange *exchange)
{
    struct isolated_guest *guest = guest_of(exchange);
    for (flexilib_half which = 0; which < 2; ++which) {
        struct half *half = half_of(exchange, which);
        if (!guest->is_due[which] && !half->is_resumed)
            continue;
        enum slot_hook hook = half->hook;
        guest->is_due[which] = false;
        exchange_run_hook(exchange, half, hook, 0);
        return TURN_MORE;
    }
    for (int i = 0; i < 2; ++i) {
        if (guest->waiting[i].length == 0)
            continue;
        bool is_taken = take_call(guest, guest->waiting_calls[i], text_slice(&guest->waiting[i]));
        text_clear(&guest->waiting[i]);
        if (!is_taken)
            exchange->state->is_gone = true;
        return TURN_MORE;
    }
    return TURN_WAIT;
}

static bool is_other_list(const struct headers *headers, const struct items_before *before)
{
    size_t count = before->count;
    return headers->count != count ||
           (count != 0 && memcmp(headers->items, before->items, count * sizeof(*before->items)) != 0);
}

static bool is_other_text(struct slice now, struct slice before)
{
    return now.data != before.data || now.length != before.length;
}

static void tell_request(struct exchange *exchange, const struct head_before *before, struct isolated_answer *answer)
{
    const struct request_head *request = &exchange->request;
    answer->has_request =
        is_other_text(request->method, before->method) || is_other_text(request->scheme, before->scheme) ||
        is_other_text(request->authority, before->authority) || is_other_text(request->path, before->path) ||
        is_other_text(request->query, before->query) || exchange->upstream != before->upstream ||
        is_other_list(&request->headers, &before->request_items);
    if (!answer->has_request)
        return;
    answer->method = request->method;
    answer->scheme = request->scheme;
    answer->authority = request->authority;
    answer->has_new_authority = request->has_new_authority;
    answer->path = request->path;
    answer->query = request->query;
    answer->upstream = isolated_upstream_number(exchange->runtime->services.settings, exchange->upstream);
    answer->request_headers = request->headers;
}

static void tell_response(const struct exchange *exchange, const struct head_before *before,
                          struct isolated_answer *answer)
{
    const struct response_head *response = &exchange->response;
    answer->has_response =
        response->status != before->response_status || is_other_list(&response->headers, &before->response_items);
    answer->response_status = response->status;
    answer->response_headers = response->headers;
}

static void tell_attributes(struct exchange *exchange, const struct head_before *before, struct isolated_answer *answer)
{
    const struct attributes *attributes = &exchange->attributes;
    answer->has_attributes = attributes->bytes != before->attribute_bytes;
    if (!answer->has_attributes)
        return;
    for (size_t i = 0; i < attributes->count; ++i)
        headers_add(&answer->attributes, &exchange->arena, attributes->items[i].name, attributes->items[i].value);
}

static void tell_reply(const struct half *half, struct isolated_answer *answer)
{
    const struct reply *reply = &half->reply;
    answer->is_reply = reply->is_set;
    if (!reply->is_set)
        return;
    answer->is_reply_streamed = reply->is_streamed;
    answer->reply_status = reply->status;
    answer->reply_headers = reply->headers;
    answer->reply_body = reply->body;
}

/* Whether the filter has to hear of the exchange again, be it that it has ended. */
static bool keeps_state(const struct exchange *exchange, const struct half *half, flexilib_answer answer)
{
    const struct exchange_state *state = exchange->state;
    const struct flexilib_filter *filter = exchange->chain->uses[0]->filter;
    const struct half *other = half == &state->request ? &state->response : &state->request;
    if (filter->on_end != NULL || state->steps[0].state != NULL || state->belongings != NULL ||
        other->hook != SLOT_HOOK_NONE)
        return true;
    bool has_only_head =
        filter->on_request_body == NULL && filter->on_response_head == NULL && filter->on_response_body == NULL;
    return !(answer == FLEXILIB_REPLY ? half->reply.is_set && !half->reply.is_streamed : has_only_head);
}

static void tell_wishes(struct exchange *exchange, const struct half *half, struct isolated_answer *answer)
{
    const struct step *step = &exchange->state->steps[0];
    answer->asks_hold = half->asks_hold;
    answer->asks_whole = half->asks_whole;
    answer->most_bytes = half->most_bytes;
    answer->asks_decoding = half->asked_coding.length != 0;
    answer->skips_request = step->skips_body[FLEXILIB_REQUEST];
    answer->skips_response = step->skips_body[FLEXILIB_RESPONSE];
    answer->is_reply_ended = half->is_reply_ended;
    answer->is_passed = half->is_output_borrowed;
    if (!half->is_output_borrowed && half->hook != SLOT_HOOK_REQUEST_HEAD && half->hook != SLOT_HOOK_RESPONSE_HEAD)
        answer->output = half->output;
}

static void send_answer(struct exchange *exchange, struct half *half, flexilib_answer given)
{
    struct isolated_guest *guest = guest_of(exchange);
    struct exchange_state *state = exchange->state;
    const struct head_before *before = &guest->before[half->which];
    bool is_last = !keeps_state(exchange, half, given);
    struct isolated_answer answer = {
        .answer = given,
        .status = state->answer_status,
        .retry_after_s = state->retry_after_s,
        .trace = slice_of(exchange->trace_digits, EXCHANGE_TRACE_DIGITS),
    };
    tell_request(exchange, before, &answer);
    tell_response(exchange, before, &answer);
    tell_attributes(exchange, before, &answer);
    tell_reply(half, &answer);
    tell_wishes(exchange, half, &answer);
    struct text message = TEXT_INIT;
    isolated_answer_print(&answer, &message);
    state->answer_status = 0;
    state->retry_after_s = 0;
    half->asked_coding = SLICE_NONE;
    exchange_drop_reply(half);
    half->hook = SLOT_HOOK_NONE;
    half->ticket = 0;
    if (is_last)
        state->is_gone = true;
    guest->owner->answered(guest->data, guest->calls[half->which], text_slice(&message), is_last);
    text_finish(&message);
}

void exchange_settle_guest(struct exchange *exchange, struct half *half, flexilib_answer answer)
{
    struct isolated_guest *guest = guest_of(exchange);
    if (answer == FLEXILIB_PAUSE && half->ticket != 0) {
        exchange_begin_pause(exchange, half);
        guest->owner->paused(guest->data, guest->calls[half->which]);
        return;
    }
    if (answer == FLEXILIB_PAUSE) {
        exchange_blame(exchange, 0, "answered FLEXILIB_PAUSE in %s without having taken a ticket",
                       slot_hook_name(half->hook));
        answer = FLEXILIB_FAIL;
    }
    if (answer == FLEXILIB_CONTINUE && half->reply.is_set && !half->reply.is_streamed) {
        exchange_blame(exchange, 0, "set a reply in %s and did not answer FLEXILIB_REPLY: it is dropped",
                       slot_hook_name(half->hook));
        exchange_drop_reply(half);
    }
    send_answer(exchange, half, answer);
}
