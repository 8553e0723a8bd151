/* Does with bodies what its options say: waits for them, lets them pass by, or appends a text. Beside it a filter that
 * only observes, and says how much it has seen. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_REQUEST,
    OPTION_RESPONSE,
    OPTION_LIMIT,
    OPTION_APPEND,
    OPTION_DECODE,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_REQUEST] = {"request", FLEXILIB_OPTION_TEXT, .fallback = "pass", .summary = "pass, collect, hold or skip"},
    [OPTION_RESPONSE] = {"response", FLEXILIB_OPTION_TEXT, .fallback = "pass", .summary = "likewise"},
    [OPTION_LIMIT] = {"limit", FLEXILIB_OPTION_SIZE, .fallback = "1GB", .summary = "of what is collected"},
    [OPTION_APPEND] = {"append", FLEXILIB_OPTION_TEXT, .fallback = "", .summary = "what stands behind a body"},
    [OPTION_DECODE] = {"decode", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "plain bodies are wanted"},
};

struct bodies {
    const struct flexilib_core *core;
    struct flexilib_text modes[2];
    uint64_t limit;
    struct flexilib_text append;
    bool is_decoding;
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct bodies *bodies = malloc(sizeof(*bodies));
    *bodies = (struct bodies){core,
                              {values[OPTION_REQUEST].text, values[OPTION_RESPONSE].text},
                              (uint64_t)values[OPTION_LIMIT].integer,
                              values[OPTION_APPEND].text,
                              values[OPTION_DECODE].boolean};
    *filter = bodies;
    return true;
}

static bool is_mode(const struct bodies *bodies, flexilib_half half, const char *mode)
{
    struct flexilib_text text = bodies->modes[half];
    return text.length == strlen(mode) && memcmp(text.data, mode, text.length) == 0;
}

static flexilib_answer ask(const struct bodies *bodies, struct flexilib_exchange *exchange, flexilib_half half)
{
    const struct flexilib_core *core = bodies->core;
    bool is_good = true;
    if (is_mode(bodies, half, "collect"))
        is_good = core->collect(exchange, half, bodies->limit);
    else if (is_mode(bodies, half, "hold"))
        is_good = core->hold_head(exchange, half);
    else if (is_mode(bodies, half, "skip"))
        is_good = core->skip_body(exchange, half);
    return is_good ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static void decode(const struct bodies *bodies, struct flexilib_exchange *exchange, flexilib_half half)
{
    const struct flexilib_core *core = bodies->core;
    if (!bodies->is_decoding)
        return;
    const char *outcome = core->decode(exchange, half) ? "yes" : "no";
    core->set_header(exchange, half, FLEXILIB_ARG("x-decoded"), outcome, strlen(outcome));
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct bodies *bodies = filter;
    decode(bodies, exchange, FLEXILIB_REQUEST);
    if (bodies->is_decoding)
        bodies->core->decode(exchange, FLEXILIB_RESPONSE);
    return ask(filter, exchange, FLEXILIB_REQUEST);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    decode(filter, exchange, FLEXILIB_RESPONSE);
    return ask(filter, exchange, FLEXILIB_RESPONSE);
}

/* While the head is held, a field says how long the piece was for which it waited. */
static flexilib_answer send_on(const struct bodies *bodies, struct flexilib_exchange *exchange, flexilib_half half,
                               size_t length, bool last)
{
    const struct flexilib_core *core = bodies->core;
    struct flexilib_text value;
    if ((is_mode(bodies, half, "collect") || is_mode(bodies, half, "hold")) &&
        !core->header(exchange, half, FLEXILIB_ARG("x-length"), &value)) {
        char number[32];
        int digits = snprintf(number, sizeof(number), "%zu", length);
        core->set_header(exchange, half, FLEXILIB_ARG("x-length"), number, (size_t)digits);
    }
    core->pass(exchange);
    if (last)
        core->write(exchange, bodies->append.data, bodies->append.length);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    return send_on(filter, exchange, FLEXILIB_REQUEST, length, last);
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    return send_on(filter, exchange, FLEXILIB_RESPONSE, length, last);
}

static bool create_observer(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)(uintptr_t)core;
    return true;
}

struct counts {
    size_t bytes[2];
};

static flexilib_answer count(void *filter, struct flexilib_exchange *exchange, flexilib_half half, size_t length)
{
    const struct flexilib_core *core = filter;
    struct counts *counts = core->state(exchange);
    if (counts == NULL) {
        counts = core->allocate(exchange, sizeof(*counts));
        *counts = (struct counts){{0, 0}};
        core->set_state(exchange, counts);
    }
    counts->bytes[half] += length;
    return FLEXILIB_CONTINUE;
}

static flexilib_answer observe_request(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    return count(filter, exchange, FLEXILIB_REQUEST, length);
}

static flexilib_answer observe_response(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    return count(filter, exchange, FLEXILIB_RESPONSE, length);
}

static void tell_counts(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    const struct counts *counts = core->state(exchange);
    char line[128];
    if (counts == NULL)
        return;
    int length = snprintf(line, sizeof(line), "observed %zu and %zu bytes", counts->bytes[0], counts->bytes[1]);
    core->log(core, exchange, FLEXILIB_INFO, line, (size_t)length);
}

static const struct flexilib_filter filters[] = {
    {.name = "bodies",
     .summary = "waits for bodies",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_request_body = on_request_body,
     .on_response_head = on_response_head,
     .on_response_body = on_response_body},
    {.name = "observe",
     .summary = "counts bytes",
     .version = "1",
     .create = create_observer,
     .on_request_body = observe_request,
     .on_response_body = observe_response,
     .on_end = tell_counts,
     .flags = FLEXILIB_OBSERVES},
};

FLEXILIB_LIBRARY(filters);
