#include "net/loop.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <h2o/socket.h>
#include <h2o/timeout.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop_watch {
    h2o_socket_t *socket;
    struct loop *loop;
    void (*on_readable)(void *data);
    void (*on_writable)(void *data); /* NULL: nobody wants to know */
    bool is_asked_for_writable;      /* libh2o was; it tells once and cannot be told to forget it */
    void *data;
};

struct loop {
    h2o_loop_t *h2o;
    uint64_t turn;
    uint64_t now_us;
    bool is_awake; /* now_us has been taken in this turn */
    bool is_stopping;
    struct timer **timers; /* a binary heap, the next one first */
    size_t timer_count, timer_capacity;
    uint64_t timer_number;
    int wake_fd;
    atomic_bool is_woken; /* wake_fd has been written to and not been read yet */
    struct loop_watch *wake_watch;
    void (*on_wake)(void *data);
    void *wake_data;
    void (*on_turn)(void *data);
    void *turn_data;
    uint32_t own_beat, *beat;
    const uint32_t *is_asleep;
    void (*rouse)(void *data);
    void *rouse_data;
    bool (*make_room)(void *data);
    void (*keep_room)(void *data);
    void *room_data;
    size_t socket_count;
};

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

static void put_timer(struct loop *loop, struct timer *timer, size_t position)
{
    loop->timers[position - 1] = timer;
    timer->position = position;
}

static void sift_up(struct loop *loop, struct timer *timer, size_t position)
{
    while (position > 1 && is_before(timer, loop->timers[position / 2 - 1])) {
        put_timer(loop, loop->timers[position / 2 - 1], position);
        position /= 2;
    }
    put_timer(loop, timer, position);
}

static void sift_down(struct loop *loop, struct timer *timer, size_t position)
{
    for (;;) {
        size_t child = position * 2;
        if (child > loop->timer_count)
            break;
        if (child < loop->timer_count && is_before(loop->timers[child], loop->timers[child - 1]))
            ++child;
        if (!is_before(loop->timers[child - 1], timer))
            break;
        put_timer(loop, loop->timers[child - 1], position);
        position = child;
    }
    put_timer(loop, timer, position);
}

/* Puts timer where another one was taken away or has changed. */
static void settle_timer(struct loop *loop, struct timer *timer, size_t position)
{
    if (position > 1 && is_before(timer, loop->timers[position / 2 - 1]))
        sift_up(loop, timer, position);
    else
        sift_down(loop, timer, position);
}

static uint64_t add_delay(uint64_t now_ms, int64_t delay_ms)
{
    uint64_t due_ms;
    return __builtin_add_overflow(now_ms, (uint64_t)delay_ms, &due_ms) ? UINT64_MAX : due_ms;
}

void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms)
{
    /* loop->now_us may be long past after a slow callback; for a delay of 0 that is just right */
    timer_start_at(loop, timer,
                   delay_ms <= 0 ? loop_now_ms(loop) : add_delay((clock_monotonic_us() + 999) / 1000, delay_ms));
}

void timer_start_at(struct loop *loop, struct timer *timer, uint64_t due_ms)
{
    timer->due_ms = due_ms;
    timer->number = loop->timer_number++;
    if (timer->position != 0) {
        settle_timer(loop, timer, timer->position);
        return;
    }
    loop->timers = mem_grow(loop->timers, loop->timer_count, &loop->timer_capacity, sizeof(struct timer *));
    sift_up(loop, timer, ++loop->timer_count);
}

void timer_stop(struct loop *loop, struct timer *timer)
{
    size_t position = timer->position;
    if (position == 0)
        return;
    timer->position = 0;
    struct timer *last = loop->timers[--loop->timer_count];
    if (last != timer)
        settle_timer(loop, last, position);
}

/* Timers that are started meanwhile stay for a later turn, so that none can keep the loop from its sockets. */
static void run_timers(struct loop *loop)
{
    uint64_t first_new_number = loop->timer_number;
    while (loop->timer_count != 0) {
        struct timer *timer = loop->timers[0];
        if (timer->due_ms > loop_now_ms(loop) || timer->number >= first_new_number)
            break;
        timer_stop(loop, timer);
        timer->on_timeout(timer);
    }
}

/* Milliseconds that the loop may sleep, rounded up so that it need not turn twice for one timer. */
static int32_t choose_wait(const struct loop *loop)
{
    if (loop->is_stopping)
        return 0;
    if (loop->timer_count == 0)
        return INT32_MAX;
    uint64_t now_us = clock_monotonic_us(), due_ms = loop->timers[0]->due_ms;
    if (due_ms <= now_us / 1000)
        return 0;
    uint64_t wait_ms = due_ms - now_us / 1000;
    return wait_ms < INT32_MAX ? (int32_t)wait_ms : INT32_MAX;
}

/* Runs the callbacks of writes that ended at once although no callback of a socket was running. libh2o's own turn must
 * not begin with one left: it would sleep over it, go on with a write that has failed, and use a socket that was closed
 * meanwhile after having freed it. */
static void run_ended_writes(struct loop *loop)
{
    h2o_timeout__do_post_callback(loop->h2o);
}

/* Nobody else writes it. In an order with what the reader does, who looks once more after it has said that it sleeps:
 * so one of the two sees the other. */
static void show_work(struct loop *loop, bool is_working)
{
    uint32_t beat = *loop->beat;
    if ((beat & 1) != is_working)
        __atomic_store_n(loop->beat, beat + 1, __ATOMIC_SEQ_CST);
}

static void begin_work(struct loop *loop)
{
    show_work(loop, true);
    if (loop->is_asleep != NULL && __atomic_load_n(loop->is_asleep, __ATOMIC_SEQ_CST) != 0)
        loop->rouse(loop->rouse_data);
}

static void take_turn(struct loop *loop)
{
    run_ended_writes(loop);
    loop->is_awake = false;
    show_work(loop, false);
    ++loop->turn;
    if (h2o_evloop_run(loop->h2o, choose_wait(loop)) != 0 && errno != EINTR) {
        /* libh2o has lost track of a socket then */
        log_line(LOG_LEVEL_ALERT, "the event loop failed: %s", strerror(errno));
        abort();
    }
    loop_note_wakeup(loop);
    run_timers(loop);
    run_ended_writes(loop);
    if (loop->on_turn != NULL)
        loop->on_turn(loop->turn_data);
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopping)
        take_turn(loop);
    loop->is_stopping = false;
    show_work(loop, false);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_us / 1000;
}

uint64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

uint64_t loop_turn(const struct loop *loop)
{
    return loop->turn;
}

void loop_note_wakeup(struct loop *loop)
{
    if (loop->is_awake)
        return;
    loop->is_awake = true;
    loop->now_us = clock_monotonic_us();
    begin_work(loop);
}

void *loop_h2o(struct loop *loop)
{
    return loop->h2o;
}

static void on_watch_readable(h2o_socket_t *socket, const char *failure)
{
    struct loop_watch *watch = socket->data;
    loop_note_wakeup(watch->loop);
    watch->on_readable(watch->data);
}

static void on_watch_writable(h2o_socket_t *socket, const char *failure)
{
    struct loop_watch *watch = socket->data;
    loop_note_wakeup(watch->loop);
    watch->is_asked_for_writable = false;
    if (watch->on_writable == NULL)
        return;
    loop_watch_writable(watch, watch->on_writable);
    watch->on_writable(watch->data);
}

void loop_watch_writable(struct loop_watch *watch, void (*on_ready)(void *data))
{
    watch->on_writable = on_ready;
    if (on_ready == NULL || watch->is_asked_for_writable)
        return;
    watch->is_asked_for_writable = true;
    h2o_socket_notify_write(watch->socket, on_watch_writable);
}

struct loop_watch *loop_watch_readable(struct loop *loop, int fd, void (*on_ready)(void *data), void *data)
{
    /* libh2o closes what it is given */
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own_fd == -1)
        return NULL;
    struct loop_watch *watch = mem_alloc(sizeof(*watch));
    *watch = (struct loop_watch){.loop = loop, .on_readable = on_ready, .data = data};
    watch->socket = h2o_evloop_socket_create(loop->h2o, own_fd, H2O_SOCKET_FLAG_DONT_READ);
    watch->socket->data = watch;
    h2o_socket_read_start(watch->socket, on_watch_readable);
    return watch;
}

void loop_watch_pause(struct loop_watch *watch)
{
    if (h2o_socket_is_reading(watch->socket))
        h2o_socket_read_stop(watch->socket);
}

void loop_watch_go_on(struct loop_watch *watch)
{
    if (!h2o_socket_is_reading(watch->socket))
        h2o_socket_read_start(watch->socket, on_watch_readable);
}

void loop_watch_close(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    h2o_socket_close(watch->socket);
    free(watch);
}

static void on_wake_readable(void *data)
{
    struct loop *loop = data;
    uint64_t count;
    ssize_t ignored = read(loop->wake_fd, &count, sizeof(count));
    (void)ignored;
    /* not before the read, which would swallow a wake that came in between */
    atomic_store(&loop->is_woken, false);
    if (loop->on_wake != NULL)
        loop->on_wake(loop->wake_data);
}

size_t loop_socket_count(const struct loop *loop)
{
    return loop->socket_count;
}

void loop_count_sockets(struct loop *loop, int change)
{
    loop->socket_count += (size_t)change;
}

void loop_set_room(struct loop *loop, bool (*make_room)(void *data), void (*keep_room)(void *data), void *data)
{
    loop->make_room = make_room;
    loop->keep_room = keep_room;
    loop->room_data = data;
}

bool loop_make_room(struct loop *loop)
{
    return (errno == EMFILE || errno == ENFILE) && loop->make_room != NULL && loop->make_room(loop->room_data);
}

void loop_keep_room(struct loop *loop)
{
    if (loop->keep_room != NULL)
        loop->keep_room(loop->room_data);
}

void loop_set_wake(struct loop *loop, void (*on_wake)(void *data), void *data)
{
    loop->on_wake = on_wake;
    loop->wake_data = data;
}

void loop_wake(struct loop *loop)
{
    if (atomic_exchange(&loop->is_woken, true))
        return;
    uint64_t one = 1;
    ssize_t ignored = write(loop->wake_fd, &one, sizeof(one));
    (void)ignored;
}

void loop_set_turn(struct loop *loop, void (*on_turn)(void *data), void *data)
{
    loop->on_turn = on_turn;
    loop->turn_data = data;
}

void loop_show_beat(struct loop *loop, uint32_t *beat, const uint32_t *is_asleep, void (*rouse)(void *data), void *data)
{
    loop->beat = beat;
    loop->is_asleep = is_asleep;
    loop->rouse = rouse;
    loop->rouse_data = data;
}

struct loop *loop_create(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));
    loop->now_us = clock_monotonic_us();
    loop->beat = &loop->own_beat;
    loop->h2o = h2o_evloop_create();
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd != -1)
        loop->wake_watch = loop_watch_readable(loop, loop->wake_fd, on_wake_readable, loop);
    if (loop->wake_watch == NULL) {
        log_line(LOG_LEVEL_ALERT, "the event loop cannot be made: %s", strerror(errno));
        abort();
    }
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_watch_close(loop->wake_watch);
    close(loop->wake_fd);
    run_ended_writes(loop);
    h2o_evloop_destroy(loop->h2o);
    free(loop->timers);
    free(loop);
}
