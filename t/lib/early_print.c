/* Prints while it is loaded, and while it is created and destroyed. */

#include <flexilib/filter.h>

#include <stdio.h>

static void __attribute__((constructor)) print_loaded(void)
{
    printf("early_print: loaded\n");
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    printf("early_print: created\n");
    return true;
}

static void destroy(void *filter)
{
    printf("early_print: destroyed\n");
}

static const struct flexilib_filter filters[] = {
    {.name = "early-print", .create = create, .destroy = destroy},
};

FLEXILIB_LIBRARY(filters);
