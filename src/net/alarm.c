#include "net/alarm.h"

#include "base/alloc.h"

#include <stdlib.h>

struct alarm {
    struct loop *loop;
    struct timer timer;
    void (*on_time)(void *data);
    void *data;
};

static void on_timeout(struct timer *timer)
{
    const struct alarm alarm = *(struct alarm *)timer->data;
    free(timer->data);
    alarm.on_time(alarm.data);
}

static struct alarm *start(void *context, uint64_t delay_ms, void (*on_time)(void *data), void *data)
{
    struct alarm *alarm = mem_alloc(sizeof(*alarm));
    *alarm = (struct alarm){.loop = context, .on_time = on_time, .data = data};
    alarm->timer = (struct timer){.on_timeout = on_timeout, .data = alarm};
    timer_start(alarm->loop, &alarm->timer, (int64_t)delay_ms);
    return alarm;
}

static void stop(struct alarm *alarm)
{
    timer_stop(alarm->loop, &alarm->timer);
    free(alarm);
}

const struct timer_services alarm_services = {.start = start, .stop = stop};
