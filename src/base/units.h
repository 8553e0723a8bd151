#ifndef FLEXILIB_BASE_UNITS_H
#define FLEXILIB_BASE_UNITS_H

/* Numbers, durations and sizes as people write them. */

#include "base/slice.h"

/* Reads "0.5", "-2", "1e3". Returns false where the text is no number in digits, or no double holds it. */
bool units_parse_number(struct slice text, double *number);

/* Reads "250ms", "1.5s", "10m", "2h", "1d", "1y" (365 days), or a bare "0". Returns false where the text is no duration
 * or too large. */
bool units_parse_duration_ms(struct slice text, int64_t *duration_ms);

/* Reads "512", "64KB", "16MB", "1.5GB", also "KiB" and "k"; all are powers of 1024, case does not matter. */
bool units_parse_size_bytes(struct slice text, int64_t *size_bytes);

#endif
