#include "runner/call_watch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "runner/call_sight.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOKS = 8, /* within what a call may take */
};

static const uint64_t longest_pause_us = 1000 * 1000;

struct call_watch {
    struct loop *on;
    struct slot *slot;
    const struct slot_threads *threads;
    struct call_limits limits;
    uint64_t pause_us; /* between looks */
    clockid_t loop_clock;
    pthread_t thread;
    uint32_t is_asleep;    /* until the loop moves, or for longest_pause_us */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t has_changed;
    bool is_stopping;
    uint32_t beat;       /* of the loop, when it was last looked at */
    unsigned idle_looks; /* for which nothing has moved */
    uint64_t looked_us;  /* when that was */
    struct progress **told;
    size_t told_count, told_capacity;
    struct call_sight loop;
    struct call_sight seen[SLOT_THREADS];
};

static void end_process(struct call_watch *watch, const struct slot_call *shown, const char *excess)
{
    struct slot_call copy, *call = &copy;
    slot_call_copy(shown, call);
    for (size_t i = 0; i < watch->told_count; ++i)
        progress_tell_late(watch->told[i], call->request.id);
    slot_make_printable(call);
    bool has_request = call->request.id[0] != '\0';
    log_line(LOG_LEVEL_ERROR, "filter '%.*s': %s has %s: its process is ended%s%.*s%s", SLOT_FILTER_BYTES - 1,
             call->filter, slot_hook_name(call->hook), excess, has_request ? " (request " : "", SLOT_REQUEST_BYTES - 1,
             call->request.id, has_request ? ")" : "");
    kill(getpid(), SIGKILL);
}

static void end_for_time(struct call_watch *watch, const struct slot_call *call)
{
    char excess[80];
    snprintf(excess, sizeof(excess), "been running for %" PRIu64 " ms (call_timeout)", watch->limits.time_us / 1000);
    end_process(watch, call, excess);
}

static void end_for_cpu_time(struct call_watch *watch, const struct slot_call *call)
{
    char excess[80];
    snprintf(excess, sizeof(excess), "used %" PRIu64 " ms of CPU time (call_cpu_time)",
             watch->limits.cpu_time_us / 1000);
    end_process(watch, call, excess);
}

/* 0: nobody knows, as with a thread that has just ended, or none is asked. */
static uint64_t read_cpu_us(const struct call_watch *watch, const struct slot_call *call, clockid_t clock)
{
    struct timespec used;
    uint32_t hook = slot_call_hook(call);
    bool is_start = hook == SLOT_HOOK_LOAD || hook == SLOT_HOOK_CREATE;
    if (watch->limits.cpu_time_us == 0 || is_start || clock_gettime(clock, &used) == -1)
        return 0;
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void look(struct call_watch *watch, struct call_sight *sight, uint64_t passed_us, const struct slot_call *call,
                 uint32_t number, clockid_t clock)
{
    if (!slot_call_is_running(call)) {
        sight->is_running = false;
        return;
    }
    watch->idle_looks = 0;
    switch (call_sight_note(sight, &watch->limits, number, passed_us, read_cpu_us(watch, call, clock))) {
    case CALL_TAKES_TIME:
        end_for_time(watch, call);
        break;
    case CALL_TAKES_CPU_TIME:
        end_for_cpu_time(watch, call);
        break;
    case CALL_FITS:
        break;
    }
}

static uint32_t read_beat(const struct call_watch *watch)
{
    return __atomic_load_n(&watch->slot->turns, __ATOMIC_SEQ_CST);
}

static void look_around(struct call_watch *watch)
{
    const struct slot *slot = watch->slot;
    const struct slot_threads *threads = watch->threads;
    uint32_t beat = read_beat(watch);
    uint64_t now_us = clock_monotonic_us(), passed_us = now_us - watch->looked_us;
    watch->looked_us = now_us;
    watch->idle_looks = beat == watch->beat ? watch->idle_looks + 1 : 0;
    watch->beat = beat;
    look(watch, &watch->loop, passed_us, &slot->call, __atomic_load_n(&slot->called, __ATOMIC_RELAXED),
         watch->loop_clock);
    uint32_t count = threads == NULL ? 0 : __atomic_load_n(&threads->count, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count && i < SLOT_THREADS; ++i)
        look(watch, &watch->seen[i], passed_us, &threads->calls[i],
             __atomic_load_n(&threads->turns[i], __ATOMIC_RELAXED),
             __atomic_load_n(&threads->clocks[i], __ATOMIC_RELAXED));
}

static struct timespec later(uint64_t pause_us)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t nanoseconds = (uint64_t)time.tv_nsec + pause_us * 1000;
    time.tv_sec += (time_t)(nanoseconds / 1000000000);
    time.tv_nsec = (long)(nanoseconds % 1000000000);
    return time;
}

static void set_asleep(struct call_watch *watch, uint32_t is_asleep)
{
    __atomic_store_n(&watch->is_asleep, is_asleep, __ATOMIC_SEQ_CST);
}

/* Where nothing has been called for a while it sleeps, as the loop has it roused. Not for ever: a job may get its
 * thread of the pool long after the loop has had it done. */
static uint64_t choose_pause(struct call_watch *watch)
{
    if (watch->idle_looks < LOOKS)
        return watch->pause_us;
    set_asleep(watch, 1);
    /* the loop may have begun to work without having seen that */
    return read_beat(watch) == watch->beat ? longest_pause_us : watch->pause_us;
}

static void *run(void *data)
{
    struct call_watch *watch = data;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_stopping) {
        struct timespec until = later(choose_pause(watch));
        pthread_cond_timedwait(&watch->has_changed, &watch->mutex, &until);
        set_asleep(watch, 0);
        look_around(watch);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

static void rouse(void *data)
{
    struct call_watch *watch = data;
    pthread_mutex_lock(&watch->mutex);
    set_asleep(watch, 0);
    watch->idle_looks = 0;
    pthread_cond_signal(&watch->has_changed);
    pthread_mutex_unlock(&watch->mutex);
}

static void set_limits(struct call_watch *watch, const struct runner_settings *settings)
{
    struct call_limits *limits = &watch->limits;
    limits->time_us = (uint64_t)settings->call_timeout_ms * 1000;
    if (pthread_getcpuclockid(pthread_self(), &watch->loop_clock) == 0)
        limits->cpu_time_us = (uint64_t)settings->call_cpu_time_ms * 1000;
    uint64_t least_us = limits->cpu_time_us != 0 ? limits->cpu_time_us : limits->time_us;
    uint64_t pause_us = least_us / LOOKS + 1000;
    watch->pause_us = pause_us < longest_pause_us ? pause_us : longest_pause_us;
}

struct call_watch *call_watch_start(struct loop *loop, struct slot *slot, const struct slot_threads *threads,
                                    const struct runner_settings *settings)
{
    struct call_watch *watch = mem_zalloc(sizeof(*watch));
    watch->on = loop;
    watch->slot = slot;
    watch->threads = threads;
    set_limits(watch, settings);
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->has_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        free(watch);
        errno = number;
        return NULL;
    }
    loop_show_beat(loop, &slot->turns, &watch->is_asleep, rouse, watch);
    return watch;
}

void call_watch_stop(struct call_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->is_stopping = true;
    pthread_cond_signal(&watch->has_changed);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    loop_show_beat(watch->on, &watch->slot->turns, NULL, NULL, NULL);
    pthread_cond_destroy(&watch->has_changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch->told);
    free(watch);
}

void call_watch_add(struct call_watch *watch, struct progress *progress)
{
    pthread_mutex_lock(&watch->mutex);
    watch->told = mem_grow(watch->told, watch->told_count, &watch->told_capacity, sizeof(struct progress *));
    watch->told[watch->told_count++] = progress;
    pthread_mutex_unlock(&watch->mutex);
}

void call_watch_remove(struct call_watch *watch, const struct progress *progress)
{
    pthread_mutex_lock(&watch->mutex);
    for (size_t i = 0; i < watch->told_count; ++i) {
        if (watch->told[i] == progress)
            watch->told[i--] = watch->told[--watch->told_count];
    }
    pthread_mutex_unlock(&watch->mutex);
}
