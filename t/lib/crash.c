/* Writes to address 0 in the hook that its option names, for paths that begin with /crash. */

#include "hook.h"

#include <stdlib.h>

struct crash {
    const struct flexilib_core *core;
    enum hook hook;
};

static const struct flexilib_option options[] = {HOOK_OPTION};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    enum hook hook = hook_parse(core, 0, values[0].text);
    if (hook == HOOK_COUNT)
        return false;
    struct crash *crash = malloc(sizeof(*crash));
    *crash = (struct crash){core, hook};
    *filter = crash;
    return true;
}

__attribute__((no_sanitize("undefined", "address"))) static void act(const struct crash *crash, enum hook hook,
                                                                     struct flexilib_exchange *exchange)
{
    volatile int *volatile nowhere = NULL;
    if (hook == crash->hook && path_begins_with(crash->core, exchange, "/crash"))
        *nowhere = 1;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    act(filter, HOOK_REQUEST_HEAD, exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    act(filter, HOOK_REQUEST_BODY, exchange);
    ((struct crash *)filter)->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    act(filter, HOOK_RESPONSE_HEAD, exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    act(filter, HOOK_RESPONSE_BODY, exchange);
    ((struct crash *)filter)->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    act(filter, HOOK_END, exchange);
}

static const struct flexilib_filter filters[] = {
    {"crash", "crashes for /crash", "1", options, 1, create, free, on_request_head, on_request_body, on_response_head,
     on_response_body, .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
