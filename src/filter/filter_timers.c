#include "filter/filter_timers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "filter/exchange_state.h"

#include <stdlib.h>

/* Longer than anything runs, and far from where sums overflow. */
static const uint64_t longest_delay_ms = UINT64_C(1) << 45;

struct filter_timer {
    struct belonging belonging;
    struct runtime *runtime;
    struct use *use; /* NULL: ends a pause */
    struct alarm *alarm;
    uint64_t number, repeat_ms;
    uint64_t ticket;
    void (*on_time)(void *filter, void *data);
    void *data;
};

static void on_alarm(void *data);

static void set_alarm(struct filter_timer *timer, uint64_t delay_ms)
{
    struct runtime *runtime = timer->runtime;
    if (delay_ms > longest_delay_ms)
        delay_ms = longest_delay_ms;
    if (runtime->timer_services != NULL)
        timer->alarm = runtime->timer_services->start(runtime->timer_context, delay_ms, on_alarm, timer);
}

static void free_timer(struct filter_timer *timer)
{
    struct runtime *runtime = timer->runtime;
    belonging_leave(&timer->belonging);
    if (timer->alarm != NULL)
        runtime->timer_services->stop(timer->alarm);
    if (timer->number != 0)
        numbers_take(&runtime->timer_numbers, timer->number);
    free(timer);
}

static void end_timer(struct belonging *belonging)
{
    free_timer((struct filter_timer *)belonging);
}

static void tell_filter(struct filter_timer *timer)
{
    const struct filter_timer told = *timer;
    if (timer->repeat_ms != 0)
        set_alarm(timer, timer->repeat_ms);
    else
        free_timer(timer);
    runtime_enter(told.runtime, told.use, SLOT_HOOK_TIMER, &slot_no_request);
    struct hook_watch watch = hook_counts_begin(told.use->counts, SLOT_HOOK_TIMER, true);
    told.on_time(told.use->data, told.data);
    hook_counts_end(&watch);
    runtime_leave(told.runtime);
}

static void on_alarm(void *data)
{
    struct filter_timer *timer = data;
    timer->alarm = NULL;
    if (timer->use != NULL) {
        tell_filter(timer);
        return;
    }
    struct runtime *runtime = timer->runtime;
    uint64_t ticket = timer->ticket;
    free_timer(timer);
    runtime_post(runtime, &(struct letter){.ticket = ticket});
}

static struct filter_timer *make_timer(struct runtime *runtime, struct belonging **owner)
{
    struct filter_timer *timer = mem_zalloc(sizeof(*timer));
    timer->runtime = runtime;
    timer->belonging.end = end_timer;
    belonging_join(owner, &timer->belonging);
    return timer;
}

/* A stream may pause for each of its pieces, and none for as long as it might have. */
static void end_spent(struct exchange *exchange)
{
    struct belonging *next;
    for (struct belonging *each = exchange->state->belongings; each != NULL; each = next) {
        next = each->next;
        if (each->end == end_timer && !exchange_has_ticket(exchange, ((struct filter_timer *)each)->ticket))
            end_timer(each);
    }
}

static void resume_after(const struct flexilib_core *core, uint64_t ticket, uint64_t delay_ms)
{
    struct runtime *runtime = use_of_core(core)->runtime;
    struct exchange *exchange = runtime_find(runtime, ticket);
    if (exchange == NULL || !exchange_is_alive(exchange) || !exchange_has_ticket(exchange, ticket))
        return;
    end_spent(exchange);
    struct filter_timer *timer = make_timer(runtime, &exchange->state->belongings);
    timer->ticket = ticket;
    set_alarm(timer, delay_ms);
}

static uint64_t start(const struct flexilib_core *core, uint64_t delay_ms, uint64_t repeat_ms,
                      void (*on_time)(void *filter, void *data), void *data)
{
    struct use *use = use_of_core_changing(core);
    struct filter_timer *timer = make_timer(use->runtime, &use->belongings);
    timer->use = use;
    timer->repeat_ms = repeat_ms;
    timer->on_time = on_time;
    timer->data = data;
    timer->number = numbers_give(&use->runtime->timer_numbers, timer);
    set_alarm(timer, delay_ms);
    return timer->number;
}

static bool stop(const struct flexilib_core *core, uint64_t number)
{
    const struct use *use = use_of_core(core);
    struct filter_timer *timer = numbers_find(&use->runtime->timer_numbers, number);
    if (timer == NULL || timer->use != use)
        return false;
    free_timer(timer);
    return true;
}

/* Given nothing that a service could be found by, this one has to look at the clock itself. */
static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

const struct flexilib_timer filter_timers_table = {
    .size = sizeof(struct flexilib_timer),
    .resume_after = resume_after,
    .start = start,
    .stop = stop,
    .now_ms = now_ms,
};
