#ifndef T_UNIT_FILTER_FAKE_CLOCK_H
#define T_UNIT_FILTER_FAKE_CLOCK_H

/* A clock that goes when the test says so, for what filters do later. */

#include "fake.h"

#include "filter/timer_services.h"

struct alarm {
    struct fake_clock *clock;
    struct alarm *next;
    uint64_t due_ms;
    void (*on_time)(void *data);
    void *data;
};

struct fake_clock {
    uint64_t now_ms;
    struct alarm *alarms; /* those that were set last come first */
};

static inline struct alarm *start_alarm(void *context, uint64_t delay_ms, void (*on_time)(void *data), void *data)
{
    struct fake_clock *clock = context;
    struct alarm *alarm = malloc(sizeof(*alarm));
    *alarm = (struct alarm){clock, clock->alarms, clock->now_ms + delay_ms, on_time, data};
    clock->alarms = alarm;
    return alarm;
}

static inline void stop_alarm(struct alarm *alarm)
{
    struct alarm **link = &alarm->clock->alarms;
    while (*link != alarm)
        link = &(*link)->next;
    *link = alarm->next;
    free(alarm);
}

static const struct timer_services fake_alarms = {start_alarm, stop_alarm};

static inline size_t count_alarms(const struct fake_clock *clock)
{
    size_t count = 0;
    for (const struct alarm *alarm = clock->alarms; alarm != NULL; alarm = alarm->next)
        ++count;
    return count;
}

static inline struct alarm *find_due(const struct fake_clock *clock, uint64_t until_ms)
{
    struct alarm *due = NULL;
    for (struct alarm *alarm = clock->alarms; alarm != NULL; alarm = alarm->next) {
        if (alarm->due_ms <= until_ms && (due == NULL || alarm->due_ms <= due->due_ms))
            due = alarm;
    }
    return due;
}

/* Lets time pass, and what is due happen in turn. */
static inline void pass_time(struct fake_clock *clock, uint64_t ms)
{
    uint64_t until_ms = clock->now_ms + ms;
    struct alarm *due;
    while ((due = find_due(clock, until_ms)) != NULL) {
        const struct alarm alarm = *due;
        clock->now_ms = alarm.due_ms;
        stop_alarm(due);
        alarm.on_time(alarm.data);
    }
    clock->now_ms = until_ms;
}

#endif
