#ifndef FLEXILIB_NET_ALARM_H
#define FLEXILIB_NET_ALARM_H

/* The loop's timers as filters' timers need them: what runtime_use_timers is given, with the loop as its context. */

#include "filter/timer_services.h"
#include "net/loop.h"

extern const struct timer_services alarm_services;

#endif
