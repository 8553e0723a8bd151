/* Prints to standard output and standard error, as careless libraries do. */

#include <flexilib/filter.h>

#include <stdio.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    printf("print: created\n");
    *filter = (void *)core;
    return true;
}

static void destroy(void *filter)
{
    printf("print: destroyed\n");
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    struct flexilib_text path = core->path(exchange);
    printf("print: request for %.*s\n", (int)path.length, path.data);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    fprintf(stderr, "print: status %d\n", (int)core->status(exchange));
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {.name = "print",
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .on_response_head = on_response_head},
};

FLEXILIB_LIBRARY(filters);
