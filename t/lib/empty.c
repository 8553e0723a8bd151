/* Offers nothing. */

#include <flexilib/filter.h>

FLEXILIB_EXPORT const struct flexilib_library flexilib_library;
const struct flexilib_library flexilib_library = {
    FLEXILIB_ABI_MAJOR,
    FLEXILIB_ABI_MINOR,
    sizeof(struct flexilib_library),
    sizeof(struct flexilib_filter),
    sizeof(struct flexilib_option),
    sizeof(struct flexilib_value),
    0,
    0,
};
