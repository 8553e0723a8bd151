#ifndef FLEXILIB_EXT_TIMER_H
#define FLEXILIB_EXT_TIMER_H

/* Things that happen later: core->extension(core, FLEXILIB_TIMER), in create. Works for isolated filters; not there for
 * those marked FLEXILIB_BLOCKING, which may simply sleep. Times are those of a clock that nobody sets. */

#include <flexilib/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_TIMER "flexilib.timer/1"

struct flexilib_timer {
    size_t size;

    /* Ends the pause of that ticket after so many milliseconds, unless something else has ended it before: on_resume is
     * called with a NULL result. [loop] */
    void (*resume_after)(const struct flexilib_core *core, uint64_t ticket, uint64_t delay_ms);

    /* Calls on_time(filter, data) after delay_ms and then, where repeat_ms is not 0, each repeat_ms, until stop, or
     * destroy. Returns a number that is never 0. [loop] */
    uint64_t (*start)(const struct flexilib_core *core, uint64_t delay_ms, uint64_t repeat_ms,
                      void (*on_time)(void *filter, void *data), void *data);

    /* False where that timer has ended, or there never was one of that number. Also from within on_time. [loop] */
    bool (*stop)(const struct flexilib_core *core, uint64_t timer);

    /* Milliseconds since some moment in the past. [any thread] */
    uint64_t (*now_ms)(void);
};

#ifdef __cplusplus
}
#endif

#endif
