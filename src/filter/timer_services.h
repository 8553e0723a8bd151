#ifndef FLEXILIB_FILTER_TIMER_SERVICES_H
#define FLEXILIB_FILTER_TIMER_SERVICES_H

/* What filters' timers need of a clock, for the layer that has one: see runtime_use_timers. */

#include <stdint.h>

struct alarm;

struct timer_services {
    /* Has on_time(data) called once, on the loop thread, delay_ms from now and never from within. The alarm is gone
     * when it is called. */
    struct alarm *(*start)(void *context, uint64_t delay_ms, void (*on_time)(void *data), void *data);
    /* Ends an alarm that has not come. */
    void (*stop)(struct alarm *alarm);
};

#endif
