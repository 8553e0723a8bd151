#include "http/body_patience.h"

int64_t body_patience_ms(const struct settings *settings, uint64_t received_bytes, uint64_t waited_ms)
{
    if (settings->body_rate_bytes == 0)
        return settings->body_timeout_ms;
    uint64_t earned_ms = received_bytes * 1000 / (uint64_t)settings->body_rate_bytes;
    if (earned_ms >= waited_ms)
        return settings->body_timeout_ms;
    return settings->body_timeout_ms - (int64_t)(waited_ms - earned_ms);
}
