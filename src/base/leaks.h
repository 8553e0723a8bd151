#ifndef FLEXILIB_BASE_LEAKS_H
#define FLEXILIB_BASE_LEAKS_H

/* Whether memory was lost so far: for processes that end without their exit handlers, among which LeakSanitizer's is.
 * Without AddressSanitizer nobody knows. */

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__)

#include <sanitizer/lsan_interface.h>

/* What was lost is told on standard error. */
static inline bool leaks_are_there(void)
{
    return __lsan_do_recoverable_leak_check() != 0;
}

#else

static inline bool leaks_are_there(void)
{
    return false;
}

#endif

#endif
