/* Ends its process by a null pointer, whatever is asked. */

#include <flexilib/filter.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
    return FLEXILIB_FAIL;
}

static const struct flexilib_filter filters[] = {
    {.name = "fall", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
