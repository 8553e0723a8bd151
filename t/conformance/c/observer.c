#include "observer.h"

#include <stdio.h>

struct seen {
    size_t request, response;
};

/* The filter is the core itself. */
bool observer_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static struct seen *remember(const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    struct seen *seen = core->state(exchange);
    if (seen == NULL) {
        seen = core->allocate(exchange, sizeof(*seen));
        *seen = (struct seen){0, 0};
        core->set_state(exchange, seen);
    }
    return seen;
}

flexilib_answer observer_on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                         size_t length, bool last)
{
    const struct flexilib_core *core = filter;
    remember(core, exchange)->request += length;
    return core->write(exchange, FLEXILIB_ARG("!")) ? FLEXILIB_FAIL : FLEXILIB_CONTINUE;
}

flexilib_answer observer_on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                          size_t length, bool last)
{
    const struct flexilib_core *core = filter;
    remember(core, exchange)->response += length;
    return core->write(exchange, FLEXILIB_ARG("!")) ? FLEXILIB_FAIL : FLEXILIB_CONTINUE;
}

void observer_on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    const struct seen *seen = core->state(exchange);
    char line[64];
    int length = snprintf(line, sizeof(line), "saw %zu and %zu bytes", seen->request, seen->response);
    core->log(core, exchange, FLEXILIB_INFO, line, (size_t)length);
}
