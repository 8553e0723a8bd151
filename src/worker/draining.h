#ifndef FLEXILIB_WORKER_DRAINING_H
#define FLEXILIB_WORKER_DRAINING_H

/* How a worker that accepts no more comes to its end. After a reload every idle connection is kept for as long as it
 * would be otherwise, for one more request; a request has `drain_timeout` from its beginning or from the drain's,
 * whichever is later; tunnels have their own time from the drain's beginning, and then end in good order. When the
 * whole program stops, the supervisor says how long idle connections are kept, and ends what is left. */

#include "config/settings.h"
#include "proxy/proxy.h"

struct draining_events {
    void (*on_leaving)(void *data);
    void (*on_drained)(void *data);
};

struct draining {
    const struct draining_events *events;
    void *data;
    bool is_leaving; /* and on_leaving was called */
    int64_t least_left_ms;
    struct loop *loop;
    struct proxy *proxy;
    const struct settings *settings;
    bool has_begun;
    bool is_cutting;
    uint64_t began_us;
    int64_t idle_ms; /* -1: as long as connections are kept otherwise */
    struct timer idle_timer, request_timer, tunnel_timer, cut_timer;
};

void draining_init(struct draining *draining, struct loop *loop, struct proxy *proxy, const struct settings *settings);

/* Begins to drain, which on_drained tells the end of once; idle connections have idle_ms. After a reload on_leaving
 * comes before that, as soon as only work on other threads is left, which nobody here can end. */
void draining_begin(struct draining *draining, int64_t idle_ms, const struct draining_events *events, void *data);

/* Idle connections have less time. */
void draining_shorten(struct draining *draining, int64_t idle_ms);

/* How much of `drain_timeout` is left; at its end a worker without clients still has a moment to go. */
int64_t draining_left_ms(const struct draining *draining);

/* Ends all, tunnels a moment later, so that they can say so. */
void draining_cut(struct draining *draining);

/* How long it may take at most, by its settings: whoever takes longer hangs. */
int64_t draining_most_ms(const struct settings *settings);

#endif
