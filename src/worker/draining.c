#include "worker/draining.h"

#include "base/log.h"

enum {
    GRACE_MS = 5000,
    LEAVE_MS = 300, /* for tunnels to end in good order, when all is cut */
    LEAST_LOOK_MS = 20,
    MOST_LOOK_MS = 1000,
};

static void on_idle_end(struct timer *timer)
{
    struct draining *draining = timer->data;
    proxy_close_idle(draining->proxy);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void tell_leaving(struct draining *draining, int64_t least_ms)
{
    if (draining->is_leaving || draining->idle_ms >= 0)
        return;
    draining->is_leaving = true;
    draining->least_left_ms = least_ms;
    draining->events->on_leaving(draining->data);
}

static void on_drained(void *data)
{
    struct draining *draining = data;
    tell_leaving(draining, GRACE_MS); /* it is in time, however long tunnels took */
    draining->events->on_drained(draining->data);
}

/* Requests that begin while it drains have their time too, so it looks again. */
static void on_request_end(struct timer *timer)
{
    struct draining *draining = timer->data;
    int64_t timeout_ms = draining->settings->drain_timeout_ms;
    uint64_t now_us = loop_now_us(draining->loop), timeout_us = (uint64_t)timeout_ms * 1000;
    timer_start(draining->loop, timer, clamp(timeout_ms / 4, LEAST_LOOK_MS, MOST_LOOK_MS));
    size_t count = proxy_cut_requests(draining->proxy, now_us > timeout_us ? now_us - timeout_us + 1 : 0);
    if (count != 0)
        log_line(LOG_LEVEL_WARNING, "the worker has not drained in time (drain_timeout): %zu request%s cut short",
                 count, count == 1 ? " is" : "s are");
    if (proxy_has_lost_all(draining->proxy))
        tell_leaving(draining, 0);
}

static void on_tunnel_end(struct timer *timer)
{
    struct draining *draining = timer->data;
    size_t count = proxy_leave_tunnels(draining->proxy);
    if (count != 0)
        log_line(LOG_LEVEL_INFO, "%zu tunnel%s not ended in time (drain_timeout) and %s closed", count,
                 count == 1 ? " has" : "s have", count == 1 ? "is" : "are");
}

static void on_cut(struct timer *timer)
{
    struct draining *draining = timer->data;
    proxy_cut(draining->proxy);
}

static void init_timer(struct timer *timer, void (*on_timeout)(struct timer *timer), struct draining *draining)
{
    *timer = (struct timer){.on_timeout = on_timeout, .data = draining};
}

void draining_init(struct draining *draining, struct loop *loop, struct proxy *proxy, const struct settings *settings)
{
    *draining = (struct draining){.loop = loop, .proxy = proxy, .settings = settings};
    init_timer(&draining->idle_timer, on_idle_end, draining);
    init_timer(&draining->request_timer, on_request_end, draining);
    init_timer(&draining->tunnel_timer, on_tunnel_end, draining);
    init_timer(&draining->cut_timer, on_cut, draining);
}

static void keep_idle_for(struct draining *draining, int64_t idle_ms)
{
    draining->idle_ms = idle_ms;
    if (idle_ms >= 0)
        timer_start(draining->loop, &draining->idle_timer, idle_ms);
}

void draining_begin(struct draining *draining, int64_t idle_ms, const struct draining_events *events, void *data)
{
    draining->has_begun = true;
    draining->events = events;
    draining->data = data;
    draining->began_us = loop_now_us(draining->loop);
    keep_idle_for(draining, idle_ms);
    if (idle_ms < 0) {
        timer_start(draining->loop, &draining->request_timer, draining->settings->drain_timeout_ms);
        timer_start(draining->loop, &draining->tunnel_timer, draining->settings->drain_tunnels_ms);
    }
    proxy_drain(draining->proxy, on_drained, draining);
}

void draining_shorten(struct draining *draining, int64_t idle_ms)
{
    if (draining->idle_ms < 0 || (idle_ms >= 0 && idle_ms < draining->idle_ms))
        keep_idle_for(draining, idle_ms);
}

int64_t draining_left_ms(const struct draining *draining)
{
    int64_t passed_ms = (int64_t)((loop_now_us(draining->loop) - draining->began_us) / 1000);
    return clamp(draining->settings->drain_timeout_ms - passed_ms, draining->least_left_ms, INT64_MAX);
}

void draining_cut(struct draining *draining)
{
    if (draining->is_cutting)
        return;
    draining->is_cutting = true;
    proxy_close_idle(draining->proxy);
    timer_start(draining->loop, &draining->cut_timer, proxy_leave_tunnels(draining->proxy) == 0 ? 0 : LEAVE_MS);
    proxy_cut_requests(draining->proxy, UINT64_MAX);
}

int64_t draining_most_ms(const struct settings *settings)
{
    int64_t requests_ms = settings->keep_alive_timeout_ms + settings->header_timeout_ms + settings->drain_timeout_ms;
    int64_t most_ms = requests_ms > settings->drain_tunnels_ms ? requests_ms : settings->drain_tunnels_ms;
    return most_ms + GRACE_MS;
}
