/* Gives a bad answer in the hook that its option names; everywhere else it lets things pass. */

#include "hook.h"

#include <stdlib.h>

struct failing {
    const struct flexilib_core *core;
    enum hook hook;
    flexilib_answer answer;
    int64_t piece;
};

static const struct flexilib_option options[] = {
    HOOK_OPTION,
    {"answer", FLEXILIB_OPTION_INTEGER, .fallback = "3", .summary = "what it answers there: 3 is FLEXILIB_FAIL"},
    {"piece", FLEXILIB_OPTION_INTEGER, .fallback = "1", .summary = "at which piece of the response's body"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    enum hook hook = hook_parse(core, 0, values[0].text);
    if (hook == HOOK_COUNT)
        return false;
    struct failing *failing = malloc(sizeof(*failing));
    *failing = (struct failing){core, hook, (flexilib_answer)values[1].integer, values[2].integer};
    *filter = failing;
    return true;
}

static flexilib_answer choose(const struct failing *failing, enum hook hook)
{
    return hook == failing->hook ? failing->answer : FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return choose(filter, HOOK_REQUEST_HEAD);
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct failing *failing = filter;
    failing->core->pass(exchange);
    return choose(failing, HOOK_REQUEST_BODY);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return choose(filter, HOOK_RESPONSE_HEAD);
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    struct failing *failing = filter;
    int64_t *pieces = failing->core->state(exchange);
    if (pieces == NULL) {
        pieces = failing->core->allocate(exchange, sizeof(*pieces));
        *pieces = 0;
        failing->core->set_state(exchange, pieces);
    }
    failing->core->pass(exchange);
    return ++*pieces == failing->piece ? choose(failing, HOOK_RESPONSE_BODY) : FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {"failing", "answers badly", "1", options, 3, create, free, on_request_head, on_request_body, on_response_head,
     .on_response_body = on_response_body},
};

FLEXILIB_LIBRARY(filters);
