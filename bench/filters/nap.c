/* nap: a handler that sleeps for a second and then answers, on a thread of the pool. */

#include <flexilib/filter.h>

#include <unistd.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    sleep(1);
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("slept\n"));
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "nap",
        .summary = "sleeps for a second",
        .version = "1.0",
        .create = create,
        .on_request_head = on_request_head,
        .flags = FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT,
    },
};

FLEXILIB_LIBRARY(filters);
