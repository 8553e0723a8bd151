/* Needs a function that nothing provides. */

#include <flexilib/filter.h>

void function_that_nobody_wrote(void);

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    function_that_nobody_wrote();
}

static const struct flexilib_filter filters[] = {{.name = "undefined", .on_end = on_end}};

FLEXILIB_LIBRARY(filters);
