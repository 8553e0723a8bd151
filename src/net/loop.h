#ifndef FLEXILIB_NET_LOOP_H
#define FLEXILIB_NET_LOOP_H

/* The worker's event loop: libh2o's, driven by monotonic timers of our own, since libh2o's follow the wall clock.
 * Together with socket.h and head_parser.h this is the seam behind which libh2o stands: no other header of FlexiLib
 * mentions it. One loop per worker; everything on its thread, except loop_wake.
 *
 * A turn of the loop is: wait, callbacks of sockets and watches, timers that were due when the wait ended, on_turn. So
 * a callback that takes long makes nobody's timer fire before what has arrived for it meanwhile was read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_watch;

struct loop *loop_create(void);

/* Frees the loop. Sockets and watches are closed by then; timers that still run are forgotten. NULL is fine. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop was called. */
void loop_run(struct loop *loop);

/* Makes loop_run return after the callbacks at hand. Before loop_run it makes the next one return at once. */
void loop_stop(struct loop *loop);

/* Milliseconds of the monotonic clock and microseconds of the same, as of the loop's last wake-up. */
uint64_t loop_now_ms(const struct loop *loop);
uint64_t loop_now_us(const struct loop *loop);

/* The number of the turn at hand: all that it tells of had happened before it began. */
uint64_t loop_turn(const struct loop *loop);

/* A timer is embedded in what it belongs to; zero bytes are a stopped one. on_timeout and data are the owner's, the
 * rest is the loop's. */
struct timer {
    void (*on_timeout)(struct timer *timer);
    void *data;
    uint64_t due_ms;
    uint64_t number; /* in the order of starting, so that equal ones fire in turn */
    size_t position; /* in the loop's heap, from 1; 0: not running */
};

/* Starts, or starts anew, to fire once, delay_ms from now and never earlier; 0 or less: in the next turn, without
 * waiting. Never fires from within. */
void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms);

/* As timer_start, for a time of the monotonic clock, which is not asked then. */
void timer_start_at(struct loop *loop, struct timer *timer, uint64_t due_ms);

/* Stopping a stopped timer is fine. A timer is stopped already when its on_timeout is called, which may free it. */
void timer_stop(struct loop *loop, struct timer *timer);

/* Calls on_ready(data) whenever the descriptor is readable, until the watch is closed. The descriptor stays the
 * caller's, who may even close it before the watch; it becomes non-blocking. Returns NULL with errno set where no
 * descriptor is left for the watch's own use. */
struct loop_watch *loop_watch_readable(struct loop *loop, int fd, void (*on_ready)(void *data), void *data);

/* Has on_ready(data), with the watch's data, called whenever the descriptor is writable too, or with NULL no more. */
void loop_watch_writable(struct loop_watch *watch, void (*on_ready)(void *data));

/* Has nobody told that the descriptor is readable until it goes on. Both are cheap when nothing changes. */
void loop_watch_pause(struct loop_watch *watch);
void loop_watch_go_on(struct loop_watch *watch);

/* NULL is fine. Allowed from within a watch's callbacks. */
void loop_watch_close(struct loop_watch *watch);

/* Has on_wake (set once, before the loop runs) called on the loop thread soon after loop_wake; several wakes may lead
 * to one call, but never is one lost. [any thread] */
void loop_set_wake(struct loop *loop, void (*on_wake)(void *data), void *data);
void loop_wake(struct loop *loop);

/* Has on_turn called at the end of every turn of the loop: where log buffers are flushed. */
void loop_set_turn(struct loop *loop, void (*on_turn)(void *data), void *data);

/* Has the loop show that it lives, to whoever reads *beat on another thread or in shared memory: the number is odd
 * while callbacks run and even while the loop waits, or does not run at all; it grows each time. *is_asleep is the
 * reader's way to say that it does not look: the first turn that finds it set has rouse(data) called, which clears it.
 */
void loop_show_beat(struct loop *loop, uint32_t *beat, const uint32_t *is_asleep, void (*rouse)(void *data),
                    void *data);

/* How many sockets there are on the loop, watches left aside. */
size_t loop_socket_count(const struct loop *loop);

/* Has make_room(data) called where no descriptor is left for something that needs one; loop_make_room says whether it
 * may be tried again. Before a request begins that may need some, loop_keep_room has keep_room(data) called. */
void loop_set_room(struct loop *loop, bool (*make_room)(void *data), void (*keep_room)(void *data), void *data);
bool loop_make_room(struct loop *loop);
void loop_keep_room(struct loop *loop);

/* For the files of the seam: libh2o's loop (an h2o_loop_t), and what each callback that comes from it calls first, so
 * that the time of the wake-up is known. */
void *loop_h2o(struct loop *loop);
void loop_count_sockets(struct loop *loop, int change);
void loop_note_wakeup(struct loop *loop);

#endif
