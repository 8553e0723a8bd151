#ifndef FLEXILIB_RUNNER_CALL_SIGHT_H
#define FLEXILIB_RUNNER_CALL_SIGHT_H

/* What call_watch.c has seen of one thread: which call is under way there, and how much it has had. Knows no clock. */

#include <stdbool.h>
#include <stdint.h>

/* How much a call may take. */
struct call_limits {
    uint64_t time_us;
    uint64_t cpu_time_us; /* 0: no limit */
};

/* Zero bytes: no call was under way. */
struct call_sight {
    bool is_running;
    uint32_t number;  /* of the call */
    uint64_t time_us; /* that it has been seen for */
    uint64_t cpu_us;  /* what its thread had used when it was seen first; 0: nobody knows */
};

enum call_excess {
    CALL_FITS = 0,
    CALL_TAKES_TIME,
    CALL_TAKES_CPU_TIME,
};

/* A call of that number is under way, passed_us after the last look at anything, and its thread has used so much of a
 * CPU (0: nobody knows). Returns whether it takes more than it may. No more than a quarter of its time counts at once:
 * where nobody has looked for longer, the process was stopped, perhaps, and its calls with it. */
enum call_excess call_sight_note(struct call_sight *sight, const struct call_limits *limits, uint32_t number,
                                 uint64_t passed_us, uint64_t cpu_us);

#endif
