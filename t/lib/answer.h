#ifndef T_LIB_ANSWER_H
#define T_LIB_ANSWER_H

/* A handler whose answer is part of its code, so that a test sees which of two libraries is at work. It comes from a
 * function and a variable that all of these export, by the same names. */

#include <flexilib/filter.h>

#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED const char *answer_text = ANSWER;

EXPORTED const char *answer_find(void);

EXPORTED const char *answer_find(void)
{
    return answer_text;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    const char *answer = answer_find();
    if (!core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), answer, strlen(answer)))
        return FLEXILIB_FAIL;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "answer", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);

#endif
