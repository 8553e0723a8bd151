#ifndef FLEXILIB_BASE_POISON_H
#define FLEXILIB_BASE_POISON_H

/* Marks memory that is kept for later as nobody's, so that AddressSanitizer finds those who still use it. Without
 * AddressSanitizer nothing happens, and nothing is poisoned. */

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)

#include <sanitizer/asan_interface.h>

static inline void poison(const void *memory, size_t size)
{
    __asan_poison_memory_region(memory, size);
}

static inline void unpoison(const void *memory, size_t size)
{
    __asan_unpoison_memory_region(memory, size);
}

static inline bool is_poisoned(const void *memory)
{
    return __asan_address_is_poisoned(memory);
}

#else

#define poison(memory, size)   ((void)(memory), (void)(size))
#define unpoison(memory, size) ((void)(memory), (void)(size))
#define is_poisoned(memory)    ((void)(memory), false)

#endif

#endif
