#include "base/log.h"
#include "filter/core_calls.h"
#include "filter/extensions.h"

enum {
    LONGEST_LOG_TEXT_BYTES = 1500, /* so that name and request id still fit in a line */
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

struct slice core_clean_sentence(const char *sentence, size_t length, char cleaned[CORE_SENTENCE_BYTES])
{
    int kept = cut_length(length, CORE_SENTENCE_BYTES);
    for (int i = 0; i < kept; ++i)
        cleaned[i] = (unsigned char)sentence[i] < 0x20 || sentence[i] == 0x7f ? '?' : sentence[i];
    return slice_of(cleaned, (size_t)kept);
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
    return arena_alloc(exchange_memory(exchange_of(seen)), size);
}

void *core_state(const struct flexilib_exchange *seen)
{
    const struct exchange_state *state = exchange_of_const(seen)->state;
    return state->running != NULL ? state->steps[state->running->step].state : NULL;
}

void core_set_state(struct flexilib_exchange *seen, void *own)
{
    struct exchange_state *state = exchange_of(seen)->state;
    if (state->running != NULL)
        state->steps[state->running->step].state = own;
}

uint64_t core_ticket(struct flexilib_exchange *seen)
{
    struct exchange *exchange = exchange_of(seen);
    struct half *half = working_half(exchange);
    if (half == NULL)
        return 0;
    half->ticket = runtime_make_ticket(exchange->state->place, ++exchange->state->tickets);
    return half->ticket;
}

void core_resume(const struct flexilib_core *core, uint64_t ticket, void *result, void (*drop)(void *result))
{
    const struct use *use = use_of_core(core);
    runtime_post(use->runtime, &(struct letter){.ticket = ticket, .result = result, .drop = drop, .sender = use});
}

const void *core_extension(const struct flexilib_core *core, const char *id)
{
    return extension_find(use_of_core(core), id);
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
