#ifndef FLEXILIB_PROXY_LOOP_H
#define FLEXILIB_PROXY_LOOP_H

/* The worker's event loop: libh2o's, driven by monotonic timers of our own, since libh2o's follow the wall clock.
 * Together with socket.h, head_parser.h and resolver.h this is the seam behind which libh2o stands: no other header of
 * FlexiLib mentions it. One loop per worker; everything on its thread, except loop_wake. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_watch;

struct loop *loop_create(void);

/* Runs until loop_stop was called. */
void loop_run(struct loop *loop);

/* Makes loop_run return after the callbacks at hand. */
void loop_stop(struct loop *loop);

/* Milliseconds of the monotonic clock and microseconds of the same, as of the loop's last wake-up. */
uint64_t loop_now_ms(const struct loop *loop);
uint64_t loop_now_us(const struct loop *loop);

/* A timer is embedded in what it belongs to; zero bytes are a stopped one. */
struct timer {
    void (*on_timeout)(struct timer *timer);
    void *data;
    uint64_t due_ms;
    size_t position; /* in the loop's heap, from 1; 0: not running */
};

/* Starts, or starts anew, to fire once after delay_ms. Stopping a stopped timer is fine. */
void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms);
void timer_stop(struct loop *loop, struct timer *timer);

/* Calls on_ready(data) whenever the descriptor is readable, until the watch is closed. The descriptor stays the
 * caller's. */
struct loop_watch *loop_watch_readable(struct loop *loop, int fd, void (*on_ready)(void *data), void *data);
void loop_watch_close(struct loop_watch *watch);

/* Has on_wake (set once, before the loop runs) called on the loop thread soon. [any thread] */
void loop_set_wake(struct loop *loop, void (*on_wake)(void *data), void *data);
void loop_wake(struct loop *loop);

/* Has on_turn called at the end of every turn of the loop: where log buffers are flushed. */
void loop_set_turn(struct loop *loop, void (*on_turn)(void *data), void *data);

/* libh2o's loop (an h2o_loop_t), for the files of the seam. */
void *loop_h2o(struct loop *loop);

#endif
