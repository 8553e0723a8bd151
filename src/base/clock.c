#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void clock_format(char text[CLOCK_TEXT_BYTES])
{
    clock_format_ms(clock_unix_ms(), text);
}

void clock_format_ms(uint64_t unix_ms, char text[CLOCK_TEXT_BYTES])
{
    struct tm parts;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year > 8099)
        parts = (struct tm){.tm_mday = 1};
    size_t length = strftime(text, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, CLOCK_TEXT_BYTES - length, ".%03uZ", (unsigned)(unix_ms % 1000));
}

void clock_format_common(char text[CLOCK_COMMON_BYTES])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    snprintf(text, CLOCK_COMMON_BYTES, "%02u/%.3s/%04u:%02u:%02u:%02u +0000", (unsigned)parts.tm_mday % 100u,
             months + 3 * parts.tm_mon, (unsigned)(parts.tm_year + 1900) % 10000u, (unsigned)parts.tm_hour % 100u,
             (unsigned)parts.tm_min % 100u, (unsigned)parts.tm_sec % 100u);
}
