#ifndef FLEXILIB_CONFIG_SETTINGS_COMPRESS_H
#define FLEXILIB_CONFIG_SETTINGS_COMPRESS_H

/* Which responses are compressed on their way to the client, and how. */

#include "config/fields.h"

enum coding {
    CODING_GZIP = 0,
    CODING_BROTLI,
    CODING_ZSTD,
    CODING_COUNT,
};

struct compression_settings {
    enum coding codings[CODING_COUNT]; /* what we rather use comes first */
    size_t coding_count;               /* at least 1 */
    int levels[CODING_COUNT];          /* by coding, in its library's numbers */
    /* In lower case: TYPE/NAME; in place of either a "*", and for NAME "*+SUFFIX" too. */
    const struct field_item *types;
    size_t type_count;
    int64_t min_length_bytes;
};

/* As Accept-Encoding has it. */
static inline struct slice coding_name(enum coding coding)
{
    return coding == CODING_GZIP ? SLICE("gzip") : coding == CODING_BROTLI ? SLICE("br") : SLICE("zstd");
}

#endif
