/* back: a handler that sends back the body of a request that comes in one piece. */

#include <flexilib/filter.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    const struct flexilib_core *core = filter;
    if (!last || !core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), data, length))
        return FLEXILIB_FAIL;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "back",
        .summary = "sends back what it gets",
        .version = "1.0",
        .create = create,
        .on_request_body = on_request_body,
    },
};

FLEXILIB_LIBRARY(filters);
