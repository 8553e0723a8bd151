#ifndef FLEXILIB_BASE_CLOCK_H
#define FLEXILIB_BASE_CLOCK_H

/* The two clocks: one for measuring that never steps, one for people to read. Any thread. */

#include <stddef.h>
#include <stdint.h>

/* Microseconds since an arbitrary start, never going back. */
uint64_t clock_monotonic_us(void);

/* Room for clock_format's text and its NUL. */
enum {
    CLOCK_TEXT_BYTES = sizeof("2026-01-01T00:00:00.000Z"),
};

/* Writes the present UTC time in RFC 3339 form with milliseconds. */
void clock_format(char text[CLOCK_TEXT_BYTES]);

#endif
