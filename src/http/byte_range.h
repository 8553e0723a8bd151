#ifndef FLEXILIB_HTTP_BYTE_RANGE_H
#define FLEXILIB_HTTP_BYTE_RANGE_H

/* Range requests (RFC 9110 section 14). No I/O. */

#include "base/slice.h"

struct byte_range {
    uint64_t start;
    uint64_t length; /* at least 1 */
};

enum byte_range_result {
    BYTE_RANGE_IGNORED = 0, /* send everything: malformed, another unit, or several ranges */
    BYTE_RANGE_ONE,         /* answer 206 */
    BYTE_RANGE_NONE,        /* answer 416 */
};

/* Reads the field Range of a request for size bytes. Several ranges are answered with the whole, as a server may. */
enum byte_range_result byte_range_parse(struct slice field, uint64_t size, struct byte_range *range);

#endif
