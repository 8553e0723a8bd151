/* noop: sees both heads and the end of an exchange and changes nothing. What it costs is what the chain itself costs.
 */

#include <flexilib/filter.h>

static flexilib_answer on_head(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_CONTINUE;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
}

static const struct flexilib_filter filters[] = {
    {
        .name = "noop",
        .summary = "does nothing",
        .version = "1.0",
        .on_request_head = on_head,
        .on_response_head = on_head,
        .on_end = on_end,
    },
};

FLEXILIB_LIBRARY(filters);
