#ifndef FLEXILIB_BASE_CLOCK_H
#define FLEXILIB_BASE_CLOCK_H

/* The two clocks: one for measuring that never steps, one for people to read. Any thread. */

#include <stddef.h>
#include <stdint.h>

/* Microseconds since an arbitrary start, never going back. */
uint64_t clock_monotonic_us(void);

/* The same in nanoseconds. */
uint64_t clock_monotonic_ns(void);

/* Milliseconds since 1970 in UTC, as the machine's clock has it. */
uint64_t clock_unix_ms(void);

/* Room for clock_format's text and its NUL. */
enum {
    CLOCK_TEXT_BYTES = sizeof("2026-01-01T00:00:00.000Z"),
};

/* Writes the present UTC time in RFC 3339 form with milliseconds. */
void clock_format(char text[CLOCK_TEXT_BYTES]);

/* The same for another time, as clock_unix_ms gives it. */
void clock_format_ms(uint64_t unix_ms, char text[CLOCK_TEXT_BYTES]);

/* Room for clock_format_common's text and its NUL. */
enum {
    CLOCK_COMMON_BYTES = sizeof("01/Jan/2026:00:00:00 +0000"),
};

/* Writes it, to the second, as web servers' logs have it since the first of them (Common Log Format). */
void clock_format_common(char text[CLOCK_COMMON_BYTES]);

#endif
