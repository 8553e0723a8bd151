#include "filter/isolated_message.h"

enum {
    TLS_FACTS = FLEXILIB_TLS_CLIENT_CERT, /* numbers begin at 1 */
    LARGEST_PORT = 65535,
};

uint64_t isolated_upstream_number(const struct settings *settings, const struct upstream_settings *upstream)
{
    for (size_t i = 0; upstream != NULL && settings != NULL && i < settings->upstream_count; ++i) {
        if (settings->upstreams[i] == upstream)
            return i + 1;
    }
    return 0;
}

const struct upstream_settings *isolated_upstream(const struct settings *settings, uint64_t number)
{
    return settings == NULL || number == 0 || number > settings->upstream_count ? NULL
                                                                                : settings->upstreams[number - 1];
}

/* What never changes: told once. */
static void print_surroundings(const struct exchange *exchange, struct text *out)
{
    struct exchange_tls *tls = exchange->tls;
    wire_add_text(out, exchange->id);
    wire_add_text(out, exchange->peer_address);
    wire_add_number(out, exchange->peer_port);
    wire_add_text(out, exchange->proxy_address);
    wire_add_text(out, exchange->local_address);
    wire_add_number(out, exchange->local_port);
    wire_add_text(out, exchange->client_name);
    wire_add_text(out, exchange->route_name);
    wire_add_text(out, slice_of(exchange->trace_digits, EXCHANGE_TRACE_DIGITS));
    wire_add_byte(out, tls != NULL);
    for (flexilib_tls_fact fact = 1; tls != NULL && fact <= TLS_FACTS; ++fact)
        wire_add_text(out, tls->find(tls, fact));
}

static void print_request(const struct exchange *exchange, struct text *out)
{
    const struct request_head *request = &exchange->request;
    wire_add_text(out, request->method);
    wire_add_text(out, request->scheme);
    wire_add_text(out, request->authority);
    wire_add_text(out, request->client_authority);
    wire_add_text(out, request->path);
    wire_add_text(out, request->query);
    wire_add_text(out, request->raw_target);
    wire_add_byte(out, request->has_new_authority);
    wire_add_byte(out, request->has_query);
    wire_add_byte(out, request->is_http2);
    wire_add_number(out, request->minor_version);
    wire_add_number(out, isolated_upstream_number(exchange->runtime->services.settings, exchange->upstream));
    wire_add_headers(out, &request->headers);
}

static void print_response(const struct exchange *exchange, struct text *out)
{
    wire_add_number(out, (uint64_t)exchange->response.status);
    wire_add_headers(out, &exchange->response.headers);
    wire_add_text(out, exchange->forwarding.upstream);
    wire_add_text(out, exchange->forwarding.server);
    wire_add_number(out, exchange->forwarding.tries);
}

static void print_attributes(const struct attributes *attributes, struct text *out)
{
    wire_add_number(out, attributes->count);
    for (size_t i = 0; i < attributes->count; ++i) {
        wire_add_text(out, attributes->items[i].name);
        wire_add_text(out, attributes->items[i].value);
    }
}

static bool is_head_hook(enum slot_hook hook)
{
    return hook == SLOT_HOOK_REQUEST_HEAD || hook == SLOT_HOOK_RESPONSE_HEAD;
}

void isolated_call_print(struct exchange *exchange, const struct half *half, bool is_first, size_t attribute_bytes,
                         struct text *out)
{
    const struct exchange_state *state = exchange->state;
    /* others may have changed the request before its response comes, or while its head is held */
    bool has_heads = is_first || is_head_hook(half->hook) || half->hook == SLOT_HOOK_END;
    bool has_response = has_heads && exchange->phase >= EXCHANGE_RESPONSE_HEAD;
    bool has_attributes = exchange->attributes.bytes != attribute_bytes;
    bool has_piece = half->hook == SLOT_HOOK_REQUEST_BODY || half->hook == SLOT_HOOK_RESPONSE_BODY;
    wire_add_number(out, exchange->chain->uses[half->step]->step_number);
    wire_add_text(out, has_piece ? half->piece : SLICE_NONE);
    wire_add_byte(out, (uint8_t)half->hook);
    wire_add_byte(out, (uint8_t)exchange->phase);
    wire_add_byte(out, is_first);
    wire_add_byte(out, has_heads);
    wire_add_byte(out, has_response);
    wire_add_byte(out, has_attributes);
    wire_add_byte(out, half->is_held);
    wire_add_byte(out, state->is_head_sent);
    wire_add_byte(out, state->is_client_head);
    wire_add_byte(out, half->is_last);
    wire_add_number(out, state->request_bytes);
    wire_add_number(out, exchange->response_bytes);
    if (is_first)
        print_surroundings(exchange, out);
    if (has_heads)
        print_request(exchange, out);
    if (has_response)
        print_response(exchange, out);
    if (has_attributes)
        print_attributes(&exchange->attributes, out);
}

unsigned isolated_call_step(struct slice message)
{
    struct wire wire = {.rest = message};
    return (unsigned)wire_number(&wire);
}

/* The facts that came with the call, in the place of the front's. */
struct told_tls {
    struct exchange_tls tls; /* at the front */
    struct slice facts[TLS_FACTS];
};

static struct slice find_fact(struct exchange_tls *tls, flexilib_tls_fact fact)
{
    const struct told_tls *told = (const struct told_tls *)tls;
    return fact >= 1 && fact <= TLS_FACTS ? told->facts[fact - 1] : SLICE_NONE;
}

static void read_tls(struct wire *wire, struct exchange *exchange)
{
    if (!wire_byte(wire))
        return;
    struct told_tls *told = arena_zalloc(&exchange->arena, sizeof(*told));
    told->tls.find = find_fact;
    for (int i = 0; i < TLS_FACTS; ++i)
        told->facts[i] = wire_text(wire);
    exchange->tls = &told->tls;
}

static uint16_t read_port(struct wire *wire)
{
    uint64_t port = wire_number(wire);
    return port > LARGEST_PORT ? 0 : (uint16_t)port;
}

static void read_surroundings(struct wire *wire, struct exchange *exchange)
{
    exchange->id = wire_text(wire);
    exchange->peer_address = wire_text(wire);
    exchange->peer_port = read_port(wire);
    exchange->proxy_address = wire_text(wire);
    exchange->local_address = wire_text(wire);
    exchange->local_port = read_port(wire);
    exchange->client_name = wire_text(wire);
    exchange->route_name = wire_text(wire);
    struct slice trace = wire_text(wire);
    if (trace.length == EXCHANGE_TRACE_DIGITS)
        memcpy(exchange->trace_digits, trace.data, EXCHANGE_TRACE_DIGITS);
    read_tls(wire, exchange);
}

static void read_request(struct wire *wire, struct exchange *exchange, struct isolated_call *call)
{
    struct request_head *request = &exchange->request;
    request->method = wire_text(wire);
    request->scheme = wire_text(wire);
    request->authority = wire_text(wire);
    request->client_authority = wire_text(wire);
    request->path = wire_text(wire);
    request->query = wire_text(wire);
    request->raw_target = wire_text(wire);
    request->has_new_authority = wire_byte(wire) != 0;
    request->has_query = wire_byte(wire) != 0;
    request->is_http2 = wire_byte(wire) != 0;
    request->minor_version = (unsigned)wire_number(wire);
    call->upstream = wire_number(wire);
    exchange->upstream = isolated_upstream(exchange->runtime->services.settings, call->upstream);
    wire_headers(wire, &exchange->arena, &request->headers);
}

static void read_response(struct wire *wire, struct exchange *exchange)
{
    exchange->response.status = (int)wire_number(wire);
    wire_headers(wire, &exchange->arena, &exchange->response.headers);
    exchange->forwarding.upstream = wire_text(wire);
    exchange->forwarding.server = wire_text(wire);
    exchange->forwarding.tries = (unsigned)wire_number(wire);
}

static void read_attributes(struct wire *wire, struct exchange *exchange)
{
    struct headers told;
    wire_headers(wire, &exchange->arena, &told);
    exchange->attributes = (struct attributes){0};
    for (size_t i = 0; i < told.count; ++i) {
        if (attributes_set(&exchange->attributes, &exchange->arena, told.items[i].name, told.items[i].value) != NULL)
            wire->is_broken = true;
    }
}

static bool is_hook_of_exchange(unsigned hook)
{
    return hook == SLOT_HOOK_REQUEST_HEAD || hook == SLOT_HOOK_REQUEST_BODY || hook == SLOT_HOOK_RESPONSE_HEAD ||
           hook == SLOT_HOOK_RESPONSE_BODY || hook == SLOT_HOOK_REPLY_BODY || hook == SLOT_HOOK_END;
}

bool isolated_call_read(struct slice message, struct exchange *exchange, struct isolated_call *call)
{
    struct wire wire = {.rest = message};
    *call = (struct isolated_call){.step = (unsigned)wire_number(&wire)};
    call->piece = wire_text(&wire);
    unsigned hook = wire_byte(&wire), phase = wire_byte(&wire);
    call->hook = (enum slot_hook)hook;
    call->phase = (enum exchange_phase)phase;
    call->is_first = wire_byte(&wire) != 0;
    bool has_request = wire_byte(&wire) != 0, has_response = wire_byte(&wire) != 0;
    bool has_attributes = wire_byte(&wire) != 0;
    call->is_held = wire_byte(&wire) != 0;
    call->is_head_sent = wire_byte(&wire) != 0;
    call->is_client_head = wire_byte(&wire) != 0;
    call->is_last = wire_byte(&wire) != 0;
    call->request_bytes = wire_number(&wire);
    exchange->response_bytes = wire_number(&wire);
    unsigned last_phase = hook == SLOT_HOOK_END ? EXCHANGE_ENDED : EXCHANGE_RESPONSE_BODY;
    if (!is_hook_of_exchange(hook) || phase < EXCHANGE_REQUEST || phase > last_phase)
        return false;
    /* most calls say nothing that has to be kept */
    if (call->is_first || has_request || has_response || has_attributes)
        wire.rest = arena_copy(&exchange->arena, wire.rest);
    if (call->is_first)
        read_surroundings(&wire, exchange);
    if (has_request)
        read_request(&wire, exchange, call);
    if (has_response)
        read_response(&wire, exchange);
    if (has_attributes)
        read_attributes(&wire, exchange);
    return wire_is_good(&wire);
}

void isolated_answer_print(const struct isolated_answer *answer, struct text *out)
{
    const bool flags[] = {
        answer->asks_hold,      answer->asks_whole,  answer->asks_decoding, answer->skips_request,
        answer->skips_response, answer->is_passed,   answer->is_reply,      answer->is_reply_streamed,
        answer->is_reply_ended, answer->has_request, answer->has_response,  answer->has_attributes,
    };
    wire_add_number(out, (uint64_t)(int64_t)answer->answer);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); ++i)
        wire_add_byte(out, flags[i]);
    wire_add_number(out, answer->most_bytes);
    wire_add_number(out, (uint64_t)answer->status);
    wire_add_number(out, answer->retry_after_s);
    wire_add_text(out, answer->trace);
    if (answer->has_request) {
        wire_add_text(out, answer->method);
        wire_add_text(out, answer->scheme);
        wire_add_text(out, answer->authority);
        wire_add_text(out, answer->path);
        wire_add_text(out, answer->query);
        wire_add_byte(out, answer->has_new_authority);
        wire_add_number(out, answer->upstream);
        wire_add_headers(out, &answer->request_headers);
    }
    if (answer->has_response) {
        wire_add_number(out, (uint64_t)answer->response_status);
        wire_add_headers(out, &answer->response_headers);
    }
    if (answer->has_attributes)
        wire_add_headers(out, &answer->attributes);
    if (answer->is_reply) {
        wire_add_number(out, (uint64_t)answer->reply_status);
        wire_add_headers(out, &answer->reply_headers);
        wire_add_text(out, answer->reply_body);
    }
    wire_add_text(out, answer->output);
}

static void read_flags(struct wire *wire, struct isolated_answer *answer)
{
    bool *const flags[] = {
        &answer->asks_hold,      &answer->asks_whole,  &answer->asks_decoding, &answer->skips_request,
        &answer->skips_response, &answer->is_passed,   &answer->is_reply,      &answer->is_reply_streamed,
        &answer->is_reply_ended, &answer->has_request, &answer->has_response,  &answer->has_attributes,
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); ++i)
        *flags[i] = wire_byte(wire) != 0;
}

static void read_changed_heads(struct wire *wire, struct arena *arena, struct isolated_answer *answer)
{
    if (answer->has_request) {
        answer->method = wire_text(wire);
        answer->scheme = wire_text(wire);
        answer->authority = wire_text(wire);
        answer->path = wire_text(wire);
        answer->query = wire_text(wire);
        answer->has_new_authority = wire_byte(wire) != 0;
        answer->upstream = wire_number(wire);
        wire_headers(wire, arena, &answer->request_headers);
    }
    if (answer->has_response) {
        answer->response_status = (int)wire_number(wire);
        wire_headers(wire, arena, &answer->response_headers);
    }
    if (answer->has_attributes)
        wire_headers(wire, arena, &answer->attributes);
}

bool isolated_answer_read(struct slice message, struct arena *arena, struct isolated_answer *answer)
{
    struct wire wire = {.rest = message};
    *answer = (struct isolated_answer){.answer = (flexilib_answer)wire_number(&wire)};
    read_flags(&wire, answer);
    answer->most_bytes = wire_number(&wire);
    answer->status = (int)wire_number(&wire);
    answer->retry_after_s = (unsigned)wire_number(&wire);
    answer->trace = wire_text(&wire);
    read_changed_heads(&wire, arena, answer);
    if (answer->is_reply) {
        answer->reply_status = (int)wire_number(&wire);
        wire_headers(&wire, arena, &answer->reply_headers);
        answer->reply_body = wire_text(&wire);
    }
    answer->output = wire_text(&wire);
    return wire_is_good(&wire) && (answer->trace.length == 0 || answer->trace.length == EXCHANGE_TRACE_DIGITS);
}
