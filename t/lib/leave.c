/* Ends the worker with status 0 when a request for /leave comes. */

#include <flexilib/filter.h>

#include <string.h>
#include <unistd.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    struct flexilib_text path = core->path(exchange);
    if (path.length == strlen("/leave") && memcmp(path.data, "/leave", path.length) == 0)
        _exit(0);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {.name = "leave", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
