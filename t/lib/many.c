/* Several filters in one library: each puts its name into the response. */

#include <flexilib/filter.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer add_name(const struct flexilib_core *core, struct flexilib_exchange *exchange, const char *name,
                                size_t length)
{
    core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-many"), name, length);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_one(void *filter, struct flexilib_exchange *exchange)
{
    return add_name(filter, exchange, FLEXILIB_ARG("one"));
}

static flexilib_answer on_two(void *filter, struct flexilib_exchange *exchange)
{
    return add_name(filter, exchange, FLEXILIB_ARG("two"));
}

static const struct flexilib_filter filters[] = {
    {.name = "one", .create = create, .on_response_head = on_one},
    {.name = "two", .create = create, .on_response_head = on_two},
};

FLEXILIB_LIBRARY(filters);
