#ifndef T_LIB_ANSWER_H
#define T_LIB_ANSWER_H

/* A handler whose answer is part of its code, so that a test sees which of two libraries is at work. */

#include <flexilib/filter.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    if (!core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG(ANSWER)))
        return FLEXILIB_FAIL;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "answer", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);

#endif
