/* Says that its table is smaller than any build of the contract has had. */

#include <flexilib/filter.h>

static const struct flexilib_filter filters[] = {{.name = "never"}};

FLEXILIB_EXPORT const struct flexilib_library flexilib_library;
const struct flexilib_library flexilib_library = {
    FLEXILIB_ABI_MAJOR,
    FLEXILIB_ABI_MINOR,
    sizeof(struct flexilib_library) / 2,
    sizeof(struct flexilib_filter),
    sizeof(struct flexilib_option),
    sizeof(struct flexilib_value),
    1,
    filters,
};
