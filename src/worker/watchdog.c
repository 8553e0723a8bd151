#include "worker/watchdog.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/crash_handler.h"
#include "base/log.h"
#include "base/slot.h"
#include "base/thread_state.h"
#include "net/loop.h"
#include "process/channel.h"
#include "process/stall.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_EVERY_US = 25 * 1000,
    MOST_LOOK_US = 2 * LOOK_EVERY_US, /* of the time between two looks that counts */
    LOOKS_UNTIL_SLEEP = 4,
    BLOCKED_US = 100 * 1000,
    CORE_BLOCKED_US = 1000 * 1000, /* where no filter is to blame */
    TOLD_EVERY_US = 5 * 1000 * 1000,
    RECORD_WAITS = 40, /* of a millisecond */
    STACK_BYTES = 128 * 1024,
    TOLD_HOOKS = 16,
};

/* A hook that the log has heard of. */
struct told_hook {
    uint32_t hook;
    char filter[SLOT_FILTER_BYTES];
    uint64_t told_us;
};

/* On the heap: it outlives the loop's thread where a library ends that. */
struct watchdog {
    pthread_t thread;
    struct loop *loop;
    struct slot *slot;
    const uint32_t *beat;
    const struct crash_record *capture; /* where the loop's thread leaves a record; NULL: nowhere */
    int channel;
    int loop_tid;
    uint32_t is_asleep; /* a futex */
    uint32_t is_over;   /* a futex */

    /* The thread's own. */
    uint32_t seen; /* of the beat */
    unsigned idle_looks;
    uint64_t looked_us, blocked_us;
    bool is_told; /* that the loop stands still */
    struct told_hook told[TOLD_HOOKS];
};

static void futex_wait(const uint32_t *word, uint32_t value, const struct timespec *limit)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit, NULL, 0);
}

static void futex_wake(const uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void rouse(void *data)
{
    struct watchdog *watchdog = data;
    __atomic_store_n(&watchdog->is_asleep, 0, __ATOMIC_SEQ_CST);
    futex_wake(&watchdog->is_asleep);
}

static bool is_over(const struct watchdog *watchdog)
{
    return __atomic_load_n(&watchdog->is_over, __ATOMIC_ACQUIRE) != 0;
}

static void tell(const struct watchdog *watchdog, enum message_kind kind, int64_t flags, struct slice text)
{
    const struct message message = {
        .kind = kind,
        .numbers = {(int64_t)(watchdog->blocked_us / 1000), flags},
        .text = text,
        .fd = -1,
    };
    /* Where the supervisor is gone, the loop hears of it, or the kernel does. */
    bool is_sent = channel_send(watchdog->channel, &message);
    (void)is_sent;
}

static uint32_t record_number(const struct watchdog *watchdog)
{
    return __atomic_load_n(&watchdog->capture->number, __ATOMIC_ACQUIRE);
}

/* Whoever has taken our handler away would die of the signal. */
static bool has_handler(void)
{
    struct sigaction present;
    return sigaction(CRASH_CAPTURE_SIGNAL, NULL, &present) == 0 && (present.sa_flags & SA_SIGINFO) != 0;
}

static bool wait_for_record(const struct watchdog *watchdog, uint32_t before)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < RECORD_WAITS; ++i) {
        if (record_number(watchdog) != before &&
            __atomic_load_n(&watchdog->capture->progress, __ATOMIC_ACQUIRE) == CRASH_COMPLETE)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

/* Has a record made of where the loop's thread is. Returns false where it does not say: it has blocked the signal,
 * perhaps. */
static bool capture(const struct watchdog *watchdog)
{
    uint64_t pc, sp;
    if (watchdog->capture == NULL)
        return false;
    if (thread_is_waiting(watchdog->loop_tid, &pc, &sp))
        return crash_handler_describe_loop(pc, sp);
    uint32_t before = record_number(watchdog);
    return has_handler() && crash_handler_ask(getpid(), watchdog->loop_tid) && wait_for_record(watchdog, before);
}

/* Whether the log is to hear of it, which it does now and then only for each hook of a filter. */
static bool is_news(struct watchdog *watchdog, const struct slot_call *call)
{
    uint64_t now_us = clock_monotonic_us();
    struct told_hook *oldest = &watchdog->told[0];
    for (size_t i = 0; i < TOLD_HOOKS; ++i) {
        struct told_hook *told = &watchdog->told[i];
        if (told->told_us != 0 && told->hook == call->hook && strcmp(told->filter, call->filter) == 0) {
            bool is_news = now_us - told->told_us >= TOLD_EVERY_US;
            told->told_us = is_news ? now_us : told->told_us;
            return is_news;
        }
        if (told->told_us < oldest->told_us)
            oldest = told;
    }
    oldest->hook = call->hook;
    memcpy(oldest->filter, call->filter, sizeof(oldest->filter));
    oldest->told_us = now_us;
    return true;
}

static void tell_blocked(struct watchdog *watchdog, struct slot_call *call)
{
    char where[CHANNEL_TEXT_BYTES];
    const struct slot_request *request = &call->request;
    int64_t flags = thread_has_ended(watchdog->loop_tid) ? STALL_ENDED : 0;
    slot_make_printable(call);
    if (is_news(watchdog, call))
        flags |= STALL_NEWS;
    if (flags == STALL_NEWS && capture(watchdog))
        flags |= STALL_RECORD;
    snprintf(where, sizeof(where), "%u\t%s\t%s\t%s", (unsigned)call->hook, call->filter, request->id, request->line);
    tell(watchdog, MESSAGE_BLOCKED, flags, slice_from_text(where));
    watchdog->is_told = true;
}

static uint32_t read_beat(const struct watchdog *watchdog)
{
    return __atomic_load_n(watchdog->beat, __ATOMIC_SEQ_CST);
}

static void note_move(struct watchdog *watchdog, uint32_t beat)
{
    if (watchdog->is_told)
        tell(watchdog, MESSAGE_MOVED, 0, SLICE_NONE);
    watchdog->is_told = false;
    watchdog->seen = beat;
    watchdog->blocked_us = 0;
    watchdog->idle_looks = 0;
}

static void doze(struct watchdog *watchdog)
{
    __atomic_store_n(&watchdog->is_asleep, 1, __ATOMIC_SEQ_CST);
    /* The loop may have begun to work without having seen that. */
    while (read_beat(watchdog) == watchdog->seen && !is_over(watchdog) &&
           __atomic_load_n(&watchdog->is_asleep, __ATOMIC_SEQ_CST) != 0)
        futex_wait(&watchdog->is_asleep, 1, NULL);
    __atomic_store_n(&watchdog->is_asleep, 0, __ATOMIC_SEQ_CST);
    watchdog->looked_us = clock_monotonic_us();
    watchdog->idle_looks = 0;
}

static void note_stand(struct watchdog *watchdog, uint64_t now_us)
{
    uint64_t passed_us = now_us - watchdog->looked_us;
    struct slot_call call;
    watchdog->blocked_us += passed_us < MOST_LOOK_US ? passed_us : MOST_LOOK_US;
    if (watchdog->is_told || watchdog->blocked_us < BLOCKED_US)
        return;
    slot_call_copy(&watchdog->slot->call, &call);
    bool is_long = call.hook != SLOT_HOOK_NONE || watchdog->blocked_us >= CORE_BLOCKED_US;
    if (is_long && read_beat(watchdog) == watchdog->seen)
        tell_blocked(watchdog, &call);
}

static void look(struct watchdog *watchdog)
{
    uint64_t now_us = clock_monotonic_us();
    uint32_t beat = read_beat(watchdog);
    if (beat != watchdog->seen)
        note_move(watchdog, beat);
    else if ((beat & 1) != 0)
        note_stand(watchdog, now_us);
    else if (++watchdog->idle_looks >= LOOKS_UNTIL_SLEEP) {
        doze(watchdog);
        return;
    }
    watchdog->looked_us = now_us;
}

static void *run(void *argument)
{
    struct watchdog *watchdog = argument;
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_US * 1000L};
    prctl(PR_SET_NAME, "watchdog");
    watchdog->looked_us = clock_monotonic_us();
    while (!is_over(watchdog)) {
        look(watchdog);
        futex_wait(&watchdog->is_over, 0, &pause);
    }
    return NULL;
}

/* With all signals blocked: they are for others. */
static int start_thread(struct watchdog *watchdog)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&watchdog->thread, &attributes, run, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return problem;
}

struct watchdog *watchdog_start(struct loop *loop, struct slot *slot, const struct crash_record *capture, int channel)
{
    struct watchdog *watchdog = mem_alloc(sizeof(*watchdog));
    *watchdog = (struct watchdog){
        .loop = loop,
        .slot = slot,
        .beat = &slot->turns,
        .capture = capture,
        .channel = channel,
        .loop_tid = (int)syscall(SYS_gettid),
    };
    loop_show_beat(loop, &slot->turns, &watchdog->is_asleep, rouse, watchdog);
    int problem = start_thread(watchdog);
    if (problem == 0)
        return watchdog;
    log_line(LOG_LEVEL_WARNING, "cannot start a thread that watches the event loop: %s", strerror(problem));
    loop_show_beat(loop, &slot->turns, NULL, NULL, NULL);
    free(watchdog);
    return NULL;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    __atomic_store_n(&watchdog->is_over, 1, __ATOMIC_RELEASE);
    futex_wake(&watchdog->is_over);
    rouse(watchdog);
    pthread_join(watchdog->thread, NULL);
    loop_show_beat(watchdog->loop, &watchdog->slot->turns, NULL, NULL, NULL);
    free(watchdog);
}
