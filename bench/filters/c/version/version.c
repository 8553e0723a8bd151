/* Answers with its version, which whoever measures writes into a copy of the library, over the digits. */

#include <flexilib/filter.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    static const volatile char version[] = "c 00000000\n";
    char text[sizeof(version)];
    for (size_t i = 0; i < sizeof(version); ++i)
        text[i] = version[i];
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, sizeof(version) - 1);
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "version", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
