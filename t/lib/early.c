/* Dies while it is loaded, before anybody has asked it for a filter. */

#include <flexilib/filter.h>

#include <signal.h>

__attribute__((constructor)) static void die_early(void)
{
    raise(SIGSEGV);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    return true;
}

static const struct flexilib_filter filters[] = {
    {.name = "early", .create = create},
};

FLEXILIB_LIBRARY(filters);
