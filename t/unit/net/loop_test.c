#include "base/clock.h"
#include "net/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MANY = 500,
};

struct fixture {
    struct loop *loop;
    size_t fired_count;
    int fired[2 * MANY];
};

struct entry {
    struct timer timer;
    struct fixture *fixture;
    int number;
    uint64_t earliest_us;
    struct entry *other;
};

static void note(struct fixture *fixture, int number)
{
    assert_true(fixture->fired_count < sizeof(fixture->fired) / sizeof(fixture->fired[0]));
    fixture->fired[fixture->fired_count++] = number;
}

static void on_timeout(struct timer *timer)
{
    struct entry *entry = timer->data;
    assert_int_equal(timer->position, 0);
    assert_true(clock_monotonic_us() >= entry->earliest_us);
    note(entry->fixture, entry->number);
}

static void on_last_timeout(struct timer *timer)
{
    on_timeout(timer);
    loop_stop(((struct entry *)timer->data)->fixture->loop);
}

static void start(struct entry *entry, int64_t delay_ms)
{
    entry->earliest_us = clock_monotonic_us() + (uint64_t)(delay_ms > 0 ? delay_ms : 0) * 1000;
    timer_start(entry->fixture->loop, &entry->timer, delay_ms);
}

static struct entry make_entry(struct fixture *fixture, int number, void (*callback)(struct timer *timer))
{
    return (struct entry){.fixture = fixture, .number = number, .timer.on_timeout = callback};
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->loop = loop_create();
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    loop_destroy(fixture->loop);
    free(fixture);
    return 0;
}

static void timers_fire_in_order_and_not_early(void **state)
{
    static const int delays[] = {9, 3, 0, 7, 3, 1, 60, 0, 5, -4};
    struct fixture *fixture = *state;
    struct entry entries[10];
    for (int i = 0; i < 10; ++i) {
        entries[i] = make_entry(fixture, i, i == 6 ? on_last_timeout : on_timeout);
        entries[i].timer.data = &entries[i];
        start(&entries[i], delays[i]);
    }
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 10);
    assert_int_equal(fixture->fired[0], 2);
    for (int i = 1; i < 10; ++i) {
        const struct timer *before = &entries[fixture->fired[i - 1]].timer, *after = &entries[fixture->fired[i]].timer;
        assert_true(before->due_ms < after->due_ms ||
                    (before->due_ms == after->due_ms && before->number < after->number));
    }
}

static void stopped_timers_stay_silent(void **state)
{
    struct fixture *fixture = *state;
    struct entry *entries = calloc(MANY, sizeof(*entries));
    struct entry last = make_entry(fixture, MANY, on_last_timeout);
    last.timer.data = &last;
    unsigned seed = 7;
    for (int i = 0; i < MANY; ++i) {
        entries[i] = make_entry(fixture, i, on_timeout);
        entries[i].timer.data = &entries[i];
        start(&entries[i], rand_r(&seed) % 20);
    }
    for (int i = 0; i < MANY; i += 3) {
        timer_stop(fixture->loop, &entries[i].timer);
        timer_stop(fixture->loop, &entries[i].timer);
        assert_int_equal(entries[i].timer.position, 0);
    }
    for (int i = 1; i < MANY; i += 3)
        start(&entries[i], rand_r(&seed) % 20);
    start(&last, 100);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, MANY - (MANY + 2) / 3 + 1);
    for (size_t i = 0; i + 1 < fixture->fired_count; ++i) {
        assert_int_not_equal(fixture->fired[i] % 3, 0);
        if (i > 0)
            assert_true(entries[fixture->fired[i]].timer.due_ms >= entries[fixture->fired[i - 1]].timer.due_ms);
    }
    free(entries);
}

static void stop_other_and_restart(struct timer *timer)
{
    struct entry *entry = timer->data;
    note(entry->fixture, entry->number);
    timer_stop(entry->fixture->loop, &entry->other->timer);
    if (entry->fixture->fired_count < 5)
        start(entry, 0);
    else
        loop_stop(entry->fixture->loop);
}

static void timers_stop_and_start_others_from_within(void **state)
{
    struct fixture *fixture = *state;
    struct entry first = make_entry(fixture, 1, stop_other_and_restart);
    struct entry second = make_entry(fixture, 2, on_timeout);
    first.timer.data = &first;
    first.other = &second;
    second.timer.data = &second;
    start(&first, 0);
    start(&second, 0);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 5);
    for (int i = 0; i < 5; ++i)
        assert_int_equal(fixture->fired[i], 1);
}

static void free_itself(struct timer *timer)
{
    struct entry *entry = timer->data;
    loop_stop(entry->fixture->loop);
    free(entry);
}

static void a_timer_frees_itself(void **state)
{
    struct entry *entry = malloc(sizeof(*entry));
    *entry = make_entry(*state, 1, free_itself);
    entry->timer.data = entry;
    start(entry, 0);
    loop_run(entry->fixture->loop);
}

static void far_timers_do_not_overflow(void **state)
{
    struct fixture *fixture = *state;
    struct entry far = make_entry(fixture, 1, on_timeout), near = make_entry(fixture, 2, on_last_timeout);
    near.timer.data = &near;
    far.earliest_us = UINT64_MAX;
    timer_start(fixture->loop, &far.timer, INT64_MAX);
    start(&near, 1);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 1);
    timer_stop(fixture->loop, &far.timer);
}

static void count_turn(void *data)
{
    struct fixture *fixture = data;
    note(fixture, -1);
}

static void each_turn_ends_with_on_turn(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry = make_entry(fixture, 1, on_last_timeout);
    entry.timer.data = &entry;
    loop_set_turn(fixture->loop, count_turn, fixture);
    start(&entry, 0);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 2);
    assert_int_equal(fixture->fired[0], 1);
    assert_int_equal(fixture->fired[1], -1);
}

static void a_stop_beforehand_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry = make_entry(fixture, 1, on_last_timeout);
    entry.timer.data = &entry;
    start(&entry, 0);
    loop_stop(fixture->loop);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 0);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 1);
}

static void time_stands_still_within_a_turn(struct timer *timer)
{
    struct entry *entry = timer->data;
    struct loop *loop = entry->fixture->loop;
    uint64_t now_us = loop_now_us(loop);
    while (clock_monotonic_us() < now_us + 2000)
        ;
    assert_true(loop_now_us(loop) == now_us);
    assert_true(loop_now_ms(loop) == now_us / 1000);
    note(entry->fixture, 1);
    loop_stop(loop);
}

static void the_clock_is_that_of_the_wakeup(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry = make_entry(fixture, 1, time_stands_still_within_a_turn);
    entry.timer.data = &entry;
    start(&entry, 0);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 1);
}

struct waking {
    struct loop *loop;
    atomic_int sent;
    atomic_int seen;
    int threads;
};

enum {
    WAKES_PER_THREAD = 2000,
};

static void *wake_often(void *data)
{
    struct waking *waking = data;
    for (int i = 0; i < WAKES_PER_THREAD; ++i) {
        atomic_fetch_add(&waking->sent, 1);
        loop_wake(waking->loop);
    }
    return NULL;
}

static void on_wake(void *data)
{
    struct waking *waking = data;
    waking->seen = waking->sent;
    if (waking->seen == waking->threads * WAKES_PER_THREAD)
        loop_stop(waking->loop);
}

static void no_wake_of_any_thread_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct waking waking = {.loop = fixture->loop, .threads = 4};
    pthread_t threads[4];
    loop_set_wake(fixture->loop, on_wake, &waking);
    for (int i = 0; i < waking.threads; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, wake_often, &waking), 0);
    loop_run(fixture->loop);
    for (int i = 0; i < waking.threads; ++i)
        pthread_join(threads[i], NULL);
    assert_int_equal(waking.seen, waking.threads * WAKES_PER_THREAD);
}

static void on_wake_stop(void *data)
{
    loop_stop(data);
}

static void a_wake_before_the_run_is_kept(void **state)
{
    struct fixture *fixture = *state;
    loop_set_wake(fixture->loop, on_wake_stop, fixture->loop);
    loop_wake(fixture->loop);
    loop_run(fixture->loop);
    loop_wake(fixture->loop);
    loop_run(fixture->loop);
}

struct watching {
    struct fixture *fixture;
    struct loop_watch *watch, *other;
    int fd;
    int reads_left;
};

static void read_one_byte(void *data)
{
    struct watching *watching = data;
    char byte;
    assert_int_equal(read(watching->fd, &byte, 1), 1);
    note(watching->fixture, byte);
    if (--watching->reads_left == 0) {
        loop_watch_close(watching->watch);
        loop_stop(watching->fixture->loop);
    }
}

static void a_watch_tells_as_long_as_there_is_something(void **state)
{
    struct fixture *fixture = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watching watching = {.fixture = fixture, .fd = pipes[0], .reads_left = 3};
    watching.watch = loop_watch_readable(fixture->loop, pipes[0], read_one_byte, &watching);
    assert_int_equal(write(pipes[1], "abc", 3), 3);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 3);
    assert_int_equal(fixture->fired[2], 'c');
    assert_int_not_equal(fcntl(pipes[0], F_GETFD), -1);
    close(pipes[0]);
    close(pipes[1]);
}

static void close_both(void *data)
{
    struct watching *watching = data;
    note(watching->fixture, 1);
    loop_watch_close(watching->watch);
    loop_watch_close(watching->other);
    loop_stop(watching->fixture->loop);
}

static void a_watch_closes_itself_and_another(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct watching watching = {.fixture = fixture};
    watching.watch = loop_watch_readable(fixture->loop, pair[0], close_both, &watching);
    watching.other = loop_watch_readable(fixture->loop, pair[1], close_both, &watching);
    assert_int_equal(write(pair[0], "x", 1), 1);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 1);
    close(pair[0]);
    close(pair[1]);
    loop_watch_close(NULL);
}

static void a_watch_outlives_its_descriptor(void **state)
{
    struct fixture *fixture = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watching watching = {.fixture = fixture};
    watching.watch = loop_watch_readable(fixture->loop, pipes[0], close_both, &watching);
    close(pipes[0]);
    close(pipes[1]);
    loop_run(fixture->loop);
    assert_int_equal(fixture->fired_count, 1);
}

static void note_writable(void *data)
{
    struct watching *watching = data;
    note(watching->fixture, 'w');
    if (--watching->reads_left != 0)
        return;
    loop_watch_writable(watching->watch, NULL);
    assert_int_equal(write(watching->fd, "r", 1), 1);
}

static void read_and_stop(void *data)
{
    struct watching *watching = data;
    char byte;
    assert_int_equal(read(watching->fd, &byte, 1), 1);
    loop_stop(watching->fixture->loop);
}

/* A descriptor that stays writable is told of until nobody wants to know, and again after that. */
static void a_watch_tells_of_writing_while_wanted(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct watching near = {.fixture = fixture, .fd = pair[0]}, far = {.fixture = fixture, .fd = pair[1]};
    near.watch = loop_watch_readable(fixture->loop, pair[0], close_both, &near);
    far.watch = loop_watch_readable(fixture->loop, pair[1], read_and_stop, &far);
    for (int round = 1; round <= 2; ++round) {
        near.reads_left = 3;
        loop_watch_writable(near.watch, NULL);
        loop_watch_writable(near.watch, note_writable);
        loop_watch_writable(near.watch, note_writable);
        loop_run(fixture->loop);
        assert_int_equal(fixture->fired_count, 3 * round);
    }
    loop_watch_writable(near.watch, note_writable);
    loop_watch_close(near.watch);
    loop_watch_close(far.watch);
    close(pair[0]);
    close(pair[1]);
}

struct heart {
    struct fixture *fixture;
    struct timer timer;
    uint32_t beat, is_asleep;
    unsigned roused;
};

static void rouse(void *data)
{
    struct heart *heart = data;
    ++heart->roused;
    heart->is_asleep = 0;
}

static void check_beat(struct timer *timer)
{
    struct heart *heart = timer->data;
    assert_int_equal(heart->beat & 1, 1);
    assert_int_equal(heart->is_asleep, 0);
    loop_stop(heart->fixture->loop);
}

static void the_beat_is_odd_while_the_loop_works(void **state)
{
    struct fixture *fixture = *state;
    struct heart heart = {.fixture = fixture, .timer = {.on_timeout = check_beat}};
    heart.timer.data = &heart;
    loop_show_beat(fixture->loop, &heart.beat, &heart.is_asleep, rouse, &heart);
    for (unsigned round = 1; round <= 3; ++round) {
        uint32_t before = heart.beat;
        heart.is_asleep = round != 2;
        timer_start(fixture->loop, &heart.timer, 0);
        loop_run(fixture->loop);
        assert_int_equal(heart.beat & 1, 0);
        assert_true(heart.beat > before);
        assert_int_equal(heart.roused, (round + 1) / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_and_not_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopped_timers_stay_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_stop_and_start_others_from_within, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_frees_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(far_timers_do_not_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_turn_ends_with_on_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_beat_is_odd_while_the_loop_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_beforehand_counts_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_clock_is_that_of_the_wakeup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_wake_of_any_thread_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wake_before_the_run_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_tells_as_long_as_there_is_something, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_closes_itself_and_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_outlives_its_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_watch_tells_of_writing_while_wanted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
