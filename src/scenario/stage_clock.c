#include "scenario/stage_clock.h"

#include "base/alloc.h"
#include "filter/filter_timers.h"

#include <stdatomic.h>
#include <stdlib.h>

struct alarm {
    struct stage_clock *clock;
    struct alarm *next;
    uint64_t due_ms;
    void (*on_time)(void *data);
    void *data;
};

/* Far from 0, which filters may take for "never". */
static const uint64_t began_ms = 1000000;

/* Rule 0: flexilib_timer.now_ms is given nothing that it could find a stage by, and any thread may call it. A process
 * plays one scenario at a time. */
static _Atomic uint64_t told_ms;

static uint64_t now_ms(void)
{
    return atomic_load(&told_ms);
}

void stage_clock_init(struct stage_clock *clock)
{
    *clock = (struct stage_clock){.extension = filter_timers_table};
    clock->extension.now_ms = now_ms;
    stage_clock_set(clock, began_ms);
}

void stage_clock_finish(struct stage_clock *clock)
{
    while (clock->alarms != NULL) {
        struct alarm *alarm = clock->alarms;
        clock->alarms = alarm->next;
        free(alarm);
    }
}

void stage_clock_set(struct stage_clock *clock, uint64_t now_ms)
{
    if (now_ms < clock->now_ms)
        return;
    clock->now_ms = now_ms;
    atomic_store(&told_ms, now_ms);
}

bool stage_clock_next(const struct stage_clock *clock, uint64_t *due_ms)
{
    if (clock->alarms == NULL)
        return false;
    *due_ms = clock->alarms->due_ms;
    return true;
}

bool stage_clock_ring(struct stage_clock *clock)
{
    struct alarm *alarm = clock->alarms;
    if (alarm == NULL || alarm->due_ms > clock->now_ms)
        return false;
    clock->alarms = alarm->next;
    const struct alarm rung = *alarm;
    free(alarm);
    rung.on_time(rung.data);
    return true;
}

/* Of two for the same time the earlier one comes first. */
static struct alarm *start(void *context, uint64_t delay_ms, void (*on_time)(void *data), void *data)
{
    struct stage_clock *clock = context;
    struct alarm *alarm = mem_alloc(sizeof(*alarm));
    *alarm = (struct alarm){.clock = clock, .due_ms = clock->now_ms + delay_ms, .on_time = on_time, .data = data};
    struct alarm **place = &clock->alarms;
    while (*place != NULL && (*place)->due_ms <= alarm->due_ms)
        place = &(*place)->next;
    alarm->next = *place;
    *place = alarm;
    return alarm;
}

static void stop(struct alarm *alarm)
{
    struct alarm **place = &alarm->clock->alarms;
    while (*place != alarm)
        place = &(*place)->next;
    *place = alarm->next;
    free(alarm);
}

const struct timer_services stage_clock_services = {.start = start, .stop = stop};
