#ifndef FLEXILIB_NET_LOG_PACE_H
#define FLEXILIB_NET_LOG_PACE_H

/* Keeps what strangers can cause as often as they like to one line of the log in a second. */

#include <stdbool.h>
#include <stdint.h>

/* Zero bytes at first. */
struct log_pace {
    uint64_t count; /* of what there was to tell, told or not */
    uint64_t told_ms;
};

/* Counts one more, and says whether it is to be told. */
static inline bool log_pace_allows(struct log_pace *pace, uint64_t now_ms)
{
    enum { INTERVAL_MS = 1000 };
    if (++pace->count != 1 && now_ms - pace->told_ms < INTERVAL_MS)
        return false;
    pace->told_ms = now_ms;
    return true;
}

#endif
