/* A library of a later FlexiLib. */

#include <flexilib/filter.h>

static const struct flexilib_filter filters[] = {{.name = "never"}};

FLEXILIB_EXPORT const struct flexilib_library flexilib_library;
const struct flexilib_library flexilib_library = {
    FLEXILIB_ABI_MAJOR,
    99,
    sizeof(struct flexilib_library),
    sizeof(struct flexilib_filter),
    sizeof(struct flexilib_option),
    sizeof(struct flexilib_value),
    1,
    filters,
};
