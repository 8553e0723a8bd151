#include "base/log.h"
#include "filter/core_calls.h"

enum {
    LONGEST_LOG_TEXT_BYTES = 1500, /* so that name and request id still fit in a line */
    LONGEST_SENTENCE_BYTES = 512,
};

static int cut_length(size_t length, int most)
{
    return length < (size_t)most ? (int)length : most;
}

void core_log(const struct flexilib_core *core, const struct flexilib_exchange *seen, flexilib_level level,
              const char *data, size_t length)
{
    static const enum log_level levels[] = {
        [FLEXILIB_DEBUG] = LOG_LEVEL_DEBUG,
        [FLEXILIB_INFO] = LOG_LEVEL_INFO,
        [FLEXILIB_WARNING] = LOG_LEVEL_WARNING,
        [FLEXILIB_ERROR] = LOG_LEVEL_ERROR,
    };
    enum log_level known = level >= FLEXILIB_DEBUG && level <= FLEXILIB_ERROR ? levels[level] : LOG_LEVEL_ERROR;
    struct slice name = use_of_core(core)->name;
    int shown = cut_length(length, LONGEST_LOG_TEXT_BYTES);
    if (seen == NULL)
        log_line(known, "filter '%.*s': %.*s", SLICE_ARG(name), shown, data);
    else
        log_line(known, "filter '%.*s': %.*s (request %.*s)", SLICE_ARG(name), shown, data,
                 SLICE_ARG(exchange_of_const(seen)->id));
}

/* The message may travel as one line, so what would break a line becomes '?'. */
static struct slice clean_sentence(const char *sentence, size_t length, char cleaned[LONGEST_SENTENCE_BYTES])
{
    int kept = cut_length(length, LONGEST_SENTENCE_BYTES);
    for (int i = 0; i < kept; ++i)
        cleaned[i] = (unsigned char)sentence[i] < 0x20 || sentence[i] == 0x7f ? '?' : sentence[i];
    return slice_of(cleaned, (size_t)kept);
}

void core_refuse(const struct flexilib_core *core, int32_t option, const char *sentence, size_t length)
{
    const struct use *use = use_of_core(core);
    char cleaned[LONGEST_SENTENCE_BYTES];
    struct slice why = clean_sentence(sentence, length, cleaned);
    if (use->creation == NULL) {
        log_line(LOG_LEVEL_ERROR, "filter '%.*s': called refuse outside of create: %.*s", SLICE_ARG(use->name),
                 SLICE_ARG(why));
        return;
    }
    if (option < 0 || (size_t)option >= use->filter->option_count) {
        error_set_at(use->creation->error, use->creation->place, "filter '%.*s': %.*s", SLICE_ARG(use->name),
                     SLICE_ARG(why));
        return;
    }
    const struct field_value *field = &use->creation->fields[option];
    error_set_at(use->creation->error, field->written ? field->place : use->creation->place,
                 "filter '%.*s': option '%s': %.*s", SLICE_ARG(use->name), use->filter->options[option].name,
                 SLICE_ARG(why));
}

struct flexilib_text core_peer_address(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->peer_address);
}

uint16_t core_peer_port(const struct flexilib_exchange *seen)
{
    return exchange_of_const(seen)->peer_port;
}

struct flexilib_text core_route(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->route_name);
}

struct flexilib_text core_request_id(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->id);
}

void *core_allocate(struct flexilib_exchange *seen, size_t size)
{
    return arena_alloc(&exchange_of(seen)->arena, size);
}

void *core_state(const struct flexilib_exchange *seen)
{
    const struct exchange_state *state = exchange_of_const(seen)->state;
    return state->is_in_hook ? state->steps[state->step].state : NULL;
}

void core_set_state(struct flexilib_exchange *seen, void *own)
{
    struct exchange_state *state = exchange_of(seen)->state;
    if (state->is_in_hook)
        state->steps[state->step].state = own;
}

bool core_reply(struct flexilib_exchange *seen, int32_t status, const char *content_type, size_t content_type_length,
                const char *body, size_t body_length)
{
    struct exchange *exchange = exchange_of(seen);
    struct exchange_state *state = exchange->state;
    struct slice type = slice_of(content_type, content_type_length);
    if (!is_in_working_hook(exchange))
        return refuse_call(exchange, "reply", "the exchange is over");
    if (state->is_head_sent)
        return refuse_call(exchange, "reply", "the response's head has been sent");
    if (status < 200 || status > 599)
        return refuse_call(exchange, "reply", "a status is 200 to 599");
    if (!header_is_value(type))
        return refuse_call(exchange, "reply", "the content type holds a control character, or a blank at an end");
    if (type.length != 0) {
        type = arena_copy(&exchange->arena, type);
        headers_set(&state->reply_headers, &exchange->arena, SLICE("content-type"), type);
    }
    state->has_reply = true;
    state->reply_status = status;
    state->reply_body = arena_copy(&exchange->arena, slice_of(body, body_length));
    return true;
}

static bool may_write_body(const struct exchange *exchange, const char *call)
{
    return (is_in_working_hook(exchange) && exchange_is_body_hook(exchange)) ||
           refuse_call(exchange, call, "only a body hook decides about bytes");
}

bool core_pass(struct flexilib_exchange *seen)
{
    struct exchange *exchange = exchange_of(seen);
    if (!may_write_body(exchange, "pass"))
        return false;
    exchange_emit_piece(exchange);
    return true;
}

bool core_write(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    if (!may_write_body(exchange, "write"))
        return false;
    exchange_emit(exchange, slice_of(data, length));
    return true;
}

uint64_t core_ticket(struct flexilib_exchange *seen)
{
    struct exchange *exchange = exchange_of(seen);
    if (!is_in_working_hook(exchange))
        return 0;
    exchange->state->ticket = runtime_issue_ticket(exchange->runtime, exchange->state->place);
    return exchange->state->ticket;
}

void core_resume(const struct flexilib_core *core, uint64_t ticket, void *result, void (*drop)(void *result))
{
    runtime_post(use_of_core(core)->runtime, ticket, result, drop);
}

const void *core_extension(const struct flexilib_core *core, const char *id)
{
    return NULL;
}

bool core_tls(const struct flexilib_exchange *seen, flexilib_tls_fact fact, struct flexilib_text *value)
{
    struct exchange_tls *tls = exchange_of_const(seen)->tls;
    struct slice text = tls == NULL ? SLICE_NONE : tls->find(tls, fact);
    if (text.length == 0)
        return false;
    *value = text_of(text);
    return true;
}
