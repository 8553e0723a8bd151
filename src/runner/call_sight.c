#include "runner/call_sight.h"

enum {
    LEAST_LOOKS = 4, /* that use up the time of a call */
};

enum call_excess call_sight_note(struct call_sight *sight, const struct call_limits *limits, uint32_t number,
                                 uint64_t passed_us, uint64_t cpu_us)
{
    const uint64_t most_us = limits->time_us / LEAST_LOOKS;
    if (!sight->is_running || sight->number != number) {
        *sight = (struct call_sight){.is_running = true, .number = number, .cpu_us = cpu_us};
        return CALL_FITS;
    }
    sight->time_us += passed_us < most_us ? passed_us : most_us;
    if (sight->time_us > limits->time_us)
        return CALL_TAKES_TIME;
    return sight->cpu_us != 0 && cpu_us > sight->cpu_us + limits->cpu_time_us ? CALL_TAKES_CPU_TIME : CALL_FITS;
}
