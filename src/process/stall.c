#include "process/stall.h"

#include "base/clock.h"
#include "base/crash_handler.h"
#include "process/generation_own.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_MS = 1000 * 1000 * 1000,
    ANSWER_US = 50 * 1000, /* to tell where it is, before it is killed */
    LEAST_LOOK_US = 250 * 1000,
    LONGEST_LOOK_US = 60 * 1000 * 1000,
    LOOKS_PER_CALL = 8,
};

static uint64_t timeout_us(const struct generation *generation)
{
    return (uint64_t)generation->stuck_timeout_ms * 1000;
}

static bool is_watched(const struct worker_process *worker)
{
    return worker != NULL && (worker->state == WORKER_SERVING || worker->state == WORKER_DRAINING);
}

static uint32_t read_beat(const struct worker_process *worker)
{
    return __atomic_load_n(&worker->supplies->slots.items[worker->slot].turns, __ATOMIC_ACQUIRE);
}

static void begin(struct worker_process *worker, uint64_t since_us)
{
    const struct generation *generation = worker->data;
    worker->stall.beat = read_beat(worker);
    worker->stall.since_us = since_us;
    worker->stall.counted_us = 0;
    worker->stall.is_asked = worker->stall.has_record = false;
    worker->stall.until_us = generation->stuck_timeout_ms == 0 ? 0 : since_us + timeout_us(generation);
}

static void end(struct worker_process *worker)
{
    worker->stall = (struct stall){.beat = read_beat(worker), .moved_ms = worker->stall.moved_ms};
}

static void take_text(struct slice *rest, char *out, size_t capacity)
{
    size_t end = slice_find(*rest, '\t'), length = end < capacity ? end : capacity - 1;
    memcpy(out, rest->data, length);
    *rest = slice_skip(*rest, end < rest->length ? end + 1 : end);
}

/* What the worker says may be anything. */
static void read_call(struct slice text, struct slot_call *call)
{
    char hook[16] = "";
    *call = (struct slot_call){.hook = SLOT_HOOK_NONE};
    take_text(&text, hook, sizeof(hook));
    call->hook = (uint32_t)strtoul(hook, NULL, 10);
    take_text(&text, call->filter, sizeof(call->filter));
    take_text(&text, call->request.id, sizeof(call->request.id));
    take_text(&text, call->request.line, sizeof(call->request.line));
    slot_make_printable(call);
}

static void name_worker(const struct worker_process *worker, struct text *out)
{
    const struct generation *generation = worker->data;
    text_print(out, "worker %d of generation %u", (int)worker->pid, generation->number);
}

/* Whose record has that number, or a later one; NULL where there is none such. */
static struct crash_record *read_record(const struct worker_process *worker, uint32_t least)
{
    struct crash_record *record = slots_read_record(&worker->supplies->slots, worker->slot, SLOT_RECORD_CAPTURE);
    if (record != NULL && (int32_t)(record->number - least) >= 0)
        return record;
    free(record);
    return NULL;
}

/* With the place in the code, where the worker has left a record of it. */
static void tell(const struct worker_process *worker, enum log_level level, const struct text *sentence,
                 const struct crash_record *record)
{
    const struct generation *generation = worker->data;
    const struct autopsy_order order = {
        .level = level,
        .sentence = text_slice(sentence),
        .addition = SLICE_NONE,
        .record = record,
        .snapshot = generation->snapshot,
    };
    autopsies_tell(&worker->supplies->autopsies, &order);
}

static void count_rest(struct worker_process *worker, uint64_t total_us)
{
    if (total_us <= worker->stall.counted_us)
        return;
    supervision_add_blocked(worker->supplies->supervision.supervision, total_us - worker->stall.counted_us);
    worker->stall.counted_us = total_us;
}

static void tell_blocked(const struct worker_process *worker, const struct message *message)
{
    struct text line = TEXT_INIT;
    struct slot slot = {0};
    name_worker(worker, &line);
    text_print(&line, " has been blocked for over %.1f s", (double)message->numbers[0] / 1e3);
    read_call(message->text, &slot.call);
    if (slot.call.hook == SLOT_HOOK_NONE)
        text_print(&line, ", outside of filters");
    obituary_print_slot(&slot, NULL, &line);
    struct crash_record *record = worker->stall.has_record ? read_record(worker, 0) : NULL;
    tell(worker, LOG_LEVEL_WARNING, &line, record);
    free(record);
    text_finish(&line);
}

/* Says so, and ends it; whoever buries it starts another. */
static void replace(struct worker_process *worker, const char *what, const char *suffix, uint64_t now_us)
{
    struct text line = TEXT_INIT;
    struct slot slot = slots_read(&worker->supplies->slots, worker->slot);
    name_worker(worker, &line);
    text_print(&line, " %s %.1f s%s and is killed", what, (double)(now_us - worker->stall.since_us) / 1e6, suffix);
    obituary_print_slot(&slot, NULL, &line);
    struct crash_record *record = worker->stall.has_record || worker->stall.is_asked
                                      ? read_record(worker, worker->stall.has_record ? 0 : worker->stall.next_record)
                                      : NULL;
    tell(worker, LOG_LEVEL_ALERT, &line, record);
    free(record);
    text_finish(&line);
    count_rest(worker, now_us - worker->stall.since_us);
    worker->is_death_told = true;
    worker_process_kill(worker);
}

static void replace_ended(struct worker_process *worker, uint64_t now_us)
{
    supervision_count_crash(worker->supplies->supervision.supervision, SUPERVISION_CRASH_THREAD);
    replace(worker, "lost its event loop's thread", " ago", now_us);
}

static void note_blocked(struct worker_process *worker, const struct message *message)
{
    uint64_t now_us = clock_monotonic_us(), blocked_us = (uint64_t)message->numbers[0] * 1000;
    begin(worker, now_us - blocked_us);
    worker->stall.counted_us = blocked_us;
    supervision_count_blocked(worker->supplies->supervision.supervision, blocked_us);
    worker->stall.is_told = (message->numbers[1] & STALL_NEWS) != 0;
    worker->stall.has_record = (message->numbers[1] & STALL_RECORD) != 0;
    if ((message->numbers[1] & STALL_ENDED) != 0)
        replace_ended(worker, now_us);
    else if (worker->stall.is_told)
        tell_blocked(worker, message);
}

/* Not before the log has what it goes on from, which an autopsy may be at. */
static void tell_moved(struct worker_process *worker)
{
    struct text line = TEXT_INIT;
    if (worker->stall.moved_ms == 0 || autopsies_are_under_way(&worker->supplies->autopsies))
        return;
    name_worker(worker, &line);
    console_log(LOG_LEVEL_WARNING, "%s goes on, having been blocked for %.1f s", line.data,
                (double)worker->stall.moved_ms / 1e3);
    text_finish(&line);
    worker->stall.moved_ms = 0;
}

static void note_moved(struct worker_process *worker, const struct message *message)
{
    count_rest(worker, (uint64_t)message->numbers[0] * 1000);
    if (worker->stall.is_told)
        worker->stall.moved_ms = message->numbers[0];
    end(worker);
    tell_moved(worker);
}

bool stall_note(struct worker_process *worker, const struct message *message)
{
    if (message->numbers[0] < 0 || message->numbers[0] > MOST_MS || message->numbers[1] < 0 ||
        message->numbers[1] > STALL_FLAGS)
        return false;
    if (message->kind == MESSAGE_BLOCKED)
        note_blocked(worker, message);
    else
        note_moved(worker, message);
    return true;
}

void stall_note_stop(struct worker_process *worker, bool is_stopped)
{
    const struct generation *generation = worker->data;
    if (!is_watched(worker))
        return;
    if (!is_stopped) {
        end(worker);
        return;
    }
    if (worker->stall.since_us == 0)
        begin(worker, clock_monotonic_us());
    worker->stall.is_stopped = true;
    console_log(LOG_LEVEL_WARNING, "worker %d of generation %u was stopped by a signal", (int)worker->pid,
                generation->number);
}

/* What the kernel says of the process, as text; nothing where it says nothing. */
static void read_status(pid_t pid, char *status, size_t capacity)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd == -1 ? -1 : read(fd, status, capacity - 1);
    if (fd != -1)
        close(fd);
    status[length < 0 ? 0 : length] = '\0';
}

static bool is_traced(pid_t pid)
{
    static const char name[] = "\nTracerPid:\t";
    char status[2048];
    read_status(pid, status, sizeof(status));
    const char *found = strstr(status, name);
    return found != NULL && found[strlen(name)] != '0';
}

/* Where a library has taken our handler away, the signal would end the process for a reason of its own. */
static bool has_handler(pid_t pid)
{
    static const char name[] = "\nSigCgt:\t";
    char status[2048];
    read_status(pid, status, sizeof(status));
    const char *found = strstr(status, name);
    return found != NULL && (strtoull(found + strlen(name), NULL, 16) >> (CRASH_CAPTURE_SIGNAL - 1) & 1) != 0;
}

static void spare(struct worker_process *worker, uint64_t now_us)
{
    const struct generation *generation = worker->data;
    worker->stall.until_us = now_us + timeout_us(generation);
    console_log(LOG_LEVEL_WARNING,
                "worker %d of generation %u is stuck, but not killed, as a debugger is attached to it",
                (int)worker->pid, generation->number);
}

/* Of the record that there will be when the worker answers. */
static uint32_t next_record(const struct worker_process *worker)
{
    struct crash_record *record = read_record(worker, 0);
    uint32_t number = record == NULL ? 1 : record->number + 1;
    free(record);
    return number;
}

static bool ask(struct worker_process *worker)
{
    if (worker->stall.is_asked || worker->stall.is_stopped || !has_handler(worker->pid))
        return false;
    worker->stall.next_record = next_record(worker);
    return crash_handler_ask(worker->pid, worker->pid);
}

static void act(struct worker_process *worker, uint64_t now_us)
{
    struct stall *stall = &worker->stall;
    if (!stall->is_stopped && read_beat(worker) != stall->beat) {
        end(worker);
    } else if (is_traced(worker->pid)) {
        spare(worker, now_us);
    } else if (ask(worker)) {
        stall->is_asked = true;
        stall->until_us = now_us + ANSWER_US;
    } else {
        supervision_count_crash(worker->supplies->supervision.supervision, SUPERVISION_CRASH_STUCK);
        replace(worker, stall->is_stopped ? "was stopped for" : "was stuck for", "", now_us);
    }
}

static bool is_suspect(const struct worker_process *worker, uint32_t beat)
{
    return beat == worker->stall.beat && (beat & 1) != 0;
}

/* For want of a watchdog. Where nothing moves, there is less and less to look for. */
static void look(struct generation *generation, uint64_t now_us)
{
    bool is_any_moving = false;
    uint64_t interval_us = timeout_us(generation) / 2, last_us = generation->look_us - generation->look_every_us;
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (!is_watched(worker) || worker->stall.since_us != 0)
            continue;
        uint32_t beat = read_beat(worker);
        is_any_moving = is_any_moving || beat != worker->stall.beat;
        if (generation->look_every_us != 0 && is_suspect(worker, beat))
            begin(worker, last_us);
        worker->stall.beat = beat;
    }
    interval_us = interval_us < LEAST_LOOK_US ? LEAST_LOOK_US : interval_us;
    if (!is_any_moving && generation->look_every_us >= interval_us)
        interval_us = generation->look_every_us * 2;
    generation->look_every_us = interval_us < LONGEST_LOOK_US ? interval_us : LONGEST_LOOK_US;
    generation->look_us = now_us + generation->look_every_us;
}

static bool is_starting(const struct worker_process *worker)
{
    return worker != NULL && worker->state == WORKER_STARTING;
}

/* Its start ends by what is done about any that takes too long. */
static void watch_start(struct worker_process *worker, uint64_t now_us)
{
    struct stall *stall = &worker->stall;
    uint64_t limit_us = (uint64_t)worker->supplies->call_timeout_ms * 1000;
    struct slot slot = slots_read(&worker->supplies->slots, worker->slot);
    bool is_called = slot.call.hook == SLOT_HOOK_LOAD || slot.call.hook == SLOT_HOOK_CREATE;
    if (!is_called || slot.turns != stall->call_beat || stall->call_since_us == 0)
        stall->call_since_us = is_called ? now_us : 0;
    else if (now_us - stall->call_since_us >= limit_us)
        worker->deadline_us = now_us;
    stall->call_beat = slot.turns;
    stall->call_look_us = now_us + limit_us / LOOKS_PER_CALL;
}

static bool is_looked_at(const struct generation *generation)
{
    return generation->stuck_timeout_ms != 0 &&
           (generation->state == GENERATION_SERVING || generation->state == GENERATION_DRAINING);
}

void stall_step(struct generation *generation, uint64_t now_us)
{
    if (is_looked_at(generation) && generation->look_us <= now_us)
        look(generation, now_us);
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker != NULL)
            tell_moved(worker);
        if (is_starting(worker) && worker->stall.call_look_us <= now_us)
            watch_start(worker, now_us);
        if (is_watched(worker) && worker->stall.until_us != 0 && worker->stall.until_us <= now_us)
            act(worker, now_us);
    }
}

uint64_t stall_deadline(const struct generation *generation)
{
    uint64_t deadline_us = is_looked_at(generation) ? generation->look_us : 0;
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        uint64_t until_us = is_starting(worker)  ? worker->stall.call_look_us
                            : is_watched(worker) ? worker->stall.until_us
                                                 : 0;
        if (until_us != 0 && (deadline_us == 0 || until_us < deadline_us))
            deadline_us = until_us;
    }
    return deadline_us;
}
