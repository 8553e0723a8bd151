#include "dispatch/request_ids.h"

#include "base/clock.h"

#include <sys/random.h>

enum {
    REQUEST_ID_DIGITS = 16,
};

void request_ids_init(struct request_ids *ids)
{
    if (getrandom(&ids->next, sizeof(ids->next), 0) != sizeof(ids->next))
        ids->next = clock_monotonic_us() << 20 ^ (uint64_t)(uintptr_t)ids;
}

/* One-to-one, so that different numbers give different ids, which do not look like a row nevertheless. */
static uint64_t scatter(uint64_t number)
{
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

struct slice request_ids_make(struct request_ids *ids, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = scatter(ids->next++);
    char *text = arena_alloc(arena, REQUEST_ID_DIGITS + 1);
    for (int i = REQUEST_ID_DIGITS - 1; i >= 0; --i, number >>= 4)
        text[i] = digits[number & 15];
    text[REQUEST_ID_DIGITS] = '\0';
    return slice_of(text, REQUEST_ID_DIGITS);
}
