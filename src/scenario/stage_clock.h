#ifndef FLEXILIB_SCENARIO_STAGE_CLOCK_H
#define FLEXILIB_SCENARIO_STAGE_CLOCK_H

/* The time of a stage: it stands still until the scenario lets it pass. What is to happen later waits here: filters'
 * alarms and what else has a time. */

#include "filter/timer_services.h"
#include "flexilib/ext/timer.h"

struct stage_clock {
    uint64_t now_ms;
    struct alarm *alarms;            /* the next one first */
    struct flexilib_timer extension; /* which tells this time */
};

void stage_clock_init(struct stage_clock *clock);

/* Forgets the alarms. */
void stage_clock_finish(struct stage_clock *clock);

/* Moves the clock's hands; never back. */
void stage_clock_set(struct stage_clock *clock, uint64_t now_ms);

/* When the next alarm is due; false where there is none. */
bool stage_clock_next(const struct stage_clock *clock, uint64_t *due_ms);

/* Has the next alarm come if it is due. Returns false where none is. */
bool stage_clock_ring(struct stage_clock *clock);

/* For runtime_use_timers, whose context is the clock. */
extern const struct timer_services stage_clock_services;

#endif
