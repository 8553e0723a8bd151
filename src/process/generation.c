#include "process/generation_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/crash_response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUIET_LIFE_US = 10 * 1000 * 1000, /* who lived that long is replaced at once */
    CUT_GRACE_US = 1000 * 1000,
    LONGEST_DELAY_MS = 5000,
};

static const uint64_t us_per_ms = 1000;

static bool start_worker(struct generation *generation, unsigned number)
{
    struct worker_place *place = &generation->places[number];
    struct role role = {
        .config = generation->supplies->config,
        .is_live = !generation->snapshot->is_recorded,
        .is_first = !generation->is_read,
        .is_late = generation->state == GENERATION_SERVING,
        .snapshot = generation->snapshot->folder,
        .generation = generation->number,
        .number = number,
        .is_without_filters = generation->supplies->is_without_filters,
        .user = generation->snapshot->user == NULL ? "" : generation->snapshot->user,
        .uid = generation->snapshot->uid,
        .gid = generation->snapshot->gid,
    };
    place->start_us = 0;
    place->worker = worker_process_start(generation->supplies, &role, generation_on_message, generation);
    return place->worker != NULL;
}

static void fail_with_errno(struct generation *generation, const char *what)
{
    struct text reason = TEXT_INIT;
    text_print(&reason, "cannot %s: %s", what, strerror(errno));
    generation_fail(generation, reason.data);
    text_finish(&reason);
}

struct generation *generation_create(struct supplies *supplies, unsigned number, struct held_snapshot *from)
{
    struct generation *generation = mem_zalloc(sizeof(*generation));
    generation->state = GENERATION_STARTING;
    generation->number = number;
    generation->began_us = clock_monotonic_us();
    generation->supplies = supplies;
    generation->places = mem_zalloc(sizeof(*generation->places));
    generation->count = 1;
    succession_add(&supplies->succession, generation);
    generation->snapshot = from != NULL ? held_snapshot_use(from) : held_snapshot_create(&supplies->snapshots, number);
    if (generation->snapshot->folder == NULL)
        fail_with_errno(generation, "make a folder for its snapshot");
    else if (!start_worker(generation, 0))
        fail_with_errno(generation, "start a worker");
    return generation;
}

void generation_destroy(struct generation *generation)
{
    struct supplies *supplies = generation->supplies;
    for (int i = 0; i < GENERATION_LISTENERS; ++i) {
        if (generation->listeners[i] != NULL)
            listeners_release(&supplies->listeners, generation->listeners[i]);
    }
    for (int i = 0; i < GENERATION_LOGS; ++i) {
        if (generation->logs[i] != NULL)
            logs_release(&supplies->logs, generation->logs[i]);
    }
    succession_remove(&supplies->succession, generation);
    generation_release_servers(generation);
    runners_finish(generation);
    held_snapshot_release(generation->snapshot);
    free(generation->places);
    free(generation->exclusive);
    text_finish(&generation->failure);
    free(generation);
}

static void kill_workers(struct generation *generation)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        generation->places[i].start_us = 0;
        if (generation->places[i].worker != NULL)
            worker_process_kill(generation->places[i].worker);
    }
    runners_kill(generation);
}

void generation_fail(struct generation *generation, const char *reason)
{
    if (generation->state == GENERATION_FAILED)
        return;
    generation->state = GENERATION_FAILED;
    text_print(&generation->failure, "%s", reason);
    kill_workers(generation);
}

void generation_abandon(struct generation *generation)
{
    generation_fail(generation, "given up");
}

void generation_refuse(struct generation *generation, const char *reason)
{
    generation->is_refused = true;
    generation_fail(generation, reason);
}

static bool are_all(const struct generation *generation, enum worker_state state)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || worker->state != state)
            return false;
    }
    return true;
}

static void start_due_workers(struct generation *generation, uint64_t now_us)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_place *place = &generation->places[i];
        if (place->worker != NULL || place->start_us == 0 || place->start_us > now_us || start_worker(generation, i))
            continue;
        if (generation->state == GENERATION_STARTING) {
            fail_with_errno(generation, "start a worker");
            return;
        }
        console_log(LOG_LEVEL_ERROR, "cannot start a worker of generation %u: %s", generation->number, strerror(errno));
        place->start_us = now_us + LONGEST_DELAY_MS * us_per_ms;
    }
}

static void give_up_starting(struct generation *generation, struct worker_process *worker)
{
    struct text reason = TEXT_INIT;
    struct slot slot = slots_read(&generation->supplies->slots, worker->slot);
    text_print(&reason, "worker %d was not ready within %.3f s", (int)worker->pid,
               (double)(worker->deadline_us - worker->started_us) / 1e6);
    obituary_print_slot(&slot, NULL, &reason);
    if (generation->state == GENERATION_STARTING) {
        generation_fail(generation, reason.data);
    } else {
        console_log(LOG_LEVEL_ERROR, "%s", reason.data);
        worker_process_kill(worker);
    }
    text_finish(&reason);
}

static void cut_worker(struct worker_process *worker, uint64_t now_us)
{
    worker_process_tell(worker, MESSAGE_CUT);
    if (worker->state == WORKER_KILLED)
        return;
    worker->state = WORKER_CUT;
    worker->deadline_us = now_us + CUT_GRACE_US;
}

/* Who hangs so is most likely in a filter. */
static void kill_hanging(struct generation *generation, struct worker_process *worker)
{
    struct text line = TEXT_INIT;
    struct slot slot = slots_read(&generation->supplies->slots, worker->slot);
    struct slot_threads threads;
    slots_read_threads(&generation->supplies->slots, worker->slot, &threads);
    text_print(&line, "worker %d of generation %u does not end and is killed", (int)worker->pid, generation->number);
    obituary_print_slot(&slot, &threads, &line);
    console_log(LOG_LEVEL_ERROR, "%s", line.data);
    text_finish(&line);
    worker_process_kill(worker);
}

static void act_on_deadline(struct generation *generation, struct worker_process *worker, uint64_t now_us)
{
    if (worker->state == WORKER_STARTING) {
        give_up_starting(generation, worker);
    } else if (worker->state == WORKER_DRAINING) {
        console_log(LOG_LEVEL_WARNING, "worker %d of generation %u has not drained in time and is cut short",
                    (int)worker->pid, generation->number);
        cut_worker(worker, now_us);
    } else if (worker->state == WORKER_CUT) {
        kill_hanging(generation, worker);
    } else {
        worker_process_kill(worker);
    }
}

void generation_step(struct generation *generation, uint64_t now_us)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker != NULL && worker->deadline_us != 0 && worker->deadline_us <= now_us)
            act_on_deadline(generation, worker, now_us);
    }
    if (generation->state == GENERATION_STARTING || generation->state == GENERATION_SERVING)
        start_due_workers(generation, now_us);
    if (generation->state == GENERATION_STARTING && are_all(generation, WORKER_READY))
        generation->state = GENERATION_READY;
    stall_step(generation, now_us);
    runners_step(generation, now_us);
    succession_step(&generation->supplies->succession, now_us);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t generation_deadline(const struct generation *generation)
{
    uint64_t deadline =
        sooner(sooner(generation->quiet_until_us, stall_deadline(generation)), runners_deadline(generation));
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_place *place = &generation->places[i];
        deadline = sooner(deadline, place->worker == NULL ? place->start_us : place->worker->deadline_us);
    }
    return deadline;
}

uint64_t generation_delay_after(unsigned quick_deaths)
{
    if (quick_deaths == 0)
        return 0;
    uint64_t delay_ms = quick_deaths > 6 ? LONGEST_DELAY_MS : (uint64_t)100 << (quick_deaths - 1);
    return (delay_ms > LONGEST_DELAY_MS ? LONGEST_DELAY_MS : delay_ms) * us_per_ms;
}

static void plan_replacement(struct generation *generation, struct worker_place *place, const struct death *death)
{
    supervision_count_restart(generation->supplies->supervision.supervision);
    if (death->lived_us >= QUIET_LIFE_US)
        place->quick_deaths = 0;
    place->start_us = clock_monotonic_us() + generation_delay_after(place->quick_deaths++);
}

static bool is_orderly(const struct worker_process *worker, const struct death *death)
{
    if (worker->state == WORKER_KILLED)
        return true;
    /* A filter may end the process with status 0, which is no better than any other. */
    return (worker->state == WORKER_DRAINING || worker->state == WORKER_CUT) && death->status == 0 &&
           death->slot.call.hook == SLOT_HOOK_NONE && death->record == NULL;
}

static void take_leave(struct generation *generation, unsigned number, int status)
{
    struct worker_place *place = &generation->places[number];
    struct worker_process *worker = place->worker;
    struct death death;
    worker_process_bury(worker, generation->number, status, &death);
    generation_judge_death(generation, &death);
    /* The message that was read last may have added places. */
    place = &generation->places[number];
    place->worker = NULL;
    switch (generation->state) {
    case GENERATION_STARTING:
    case GENERATION_READY:
        generation_mourn(generation, &death);
        break;
    case GENERATION_SERVING:
        crash_response_note(generation, &death, worker->is_death_told);
        plan_replacement(generation, place, &death);
        /* it has to be back before anybody looks at what has happened */
        start_due_workers(generation, clock_monotonic_us());
        if (!worker->is_death_told)
            generation_report_death(generation, worker, &death);
        break;
    case GENERATION_DRAINING:
        if (!is_orderly(worker, &death))
            generation_report_death(generation, worker, &death);
        break;
    case GENERATION_FAILED:
        break;
    }
    death_finish(&death);
    worker_process_destroy(worker);
}

void generation_note_stop(struct generation *generation, pid_t pid, bool is_stopped)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker != NULL && worker->pid == pid)
            stall_note_stop(worker, is_stopped);
    }
    runners_note_stop(generation, pid, is_stopped);
}

bool generation_bury(struct generation *generation, pid_t pid, int status)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || worker->pid != pid)
            continue;
        take_leave(generation, i, status);
        return true;
    }
    return runners_bury(generation, pid, status);
}

static void settle_listeners(struct generation *generation)
{
    for (int i = 0; i < GENERATION_LISTENERS; ++i) {
        struct listener *listener = generation->listeners[i];
        if (listener == NULL || listeners_settle(listener, &generation->listen_options[i]))
            continue;
        struct text name = TEXT_INIT;
        address_print_nicely(&listener->address, &name);
        console_log(LOG_LEVEL_ERROR, "%s does not get its mode, owner or backlog: %s", name.data, strerror(errno));
        text_finish(&name);
    }
}

void generation_go(struct generation *generation)
{
    generation->state = GENERATION_SERVING;
    settle_listeners(generation);
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || worker->state != WORKER_READY)
            continue;
        worker->state = WORKER_SERVING;
        worker_process_tell(worker, MESSAGE_GO);
    }
}

static void drain_worker(struct worker_process *worker, uint64_t until_us, int64_t idle_ms, bool is_last)
{
    if (worker->state == WORKER_STARTING)
        worker_process_kill(worker);
    if (worker->state == WORKER_READY || worker->state == WORKER_SERVING)
        worker->deadline_us = 0;
    else if (worker->state != WORKER_DRAINING)
        return;
    worker->state = WORKER_DRAINING;
    worker->deadline_us = sooner(worker->deadline_us, until_us);
    worker_process_hand(worker, MESSAGE_DRAIN, idle_ms, is_last, -1);
}

void generation_drain(struct generation *generation, int64_t timeout_ms, int64_t idle_ms, bool is_last)
{
    uint64_t until_us = timeout_ms < 0 ? 0 : clock_monotonic_us() + (uint64_t)timeout_ms * us_per_ms;
    generation->state = GENERATION_DRAINING;
    for (unsigned i = 0; i < generation->count; ++i) {
        generation->places[i].start_us = 0;
        if (generation->places[i].worker != NULL)
            drain_worker(generation->places[i].worker, until_us, idle_ms, is_last);
    }
}

void generation_cut(struct generation *generation)
{
    uint64_t now_us = clock_monotonic_us();
    generation_drain(generation, -1, 0, false);
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker != NULL && worker->state == WORKER_DRAINING)
            cut_worker(worker, now_us);
    }
}

void generation_reopen_logs(struct generation *generation)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        /* A worker that asks later gets the new file anyway; one that was answered may still wait for another. */
        for (int log = 0; worker != NULL && worker->state != WORKER_KILLED && log < GENERATION_LOGS; ++log) {
            if (generation->logs[log] != NULL)
                worker_process_hand(worker, MESSAGE_REOPEN, log, 0, generation->logs[log]->fd);
        }
    }
}

enum generation_state generation_state(const struct generation *generation)
{
    return generation->state;
}

uint64_t generation_began_us(const struct generation *generation)
{
    return generation->began_us;
}

unsigned generation_number(const struct generation *generation)
{
    return generation->number;
}

unsigned generation_worker_count(const struct generation *generation)
{
    return generation->count;
}

static bool has_worker(const struct generation *generation)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        if (generation->places[i].worker != NULL)
            return true;
    }
    return false;
}

bool generation_has_ended(const struct generation *generation)
{
    return generation->state >= GENERATION_DRAINING && !has_worker(generation);
}

bool generation_is_empty(const struct generation *generation)
{
    return !has_worker(generation) && runners_are_empty(generation) &&
           !autopsies_need(&generation->supplies->autopsies, generation->snapshot);
}

bool generation_has_stopped(const struct generation *generation)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        if (worker != NULL && !worker->has_stopped)
            return false;
    }
    return true;
}

bool generation_tells_watch(const struct generation *generation, enum watch_mode *mode, bool *tells_sights)
{
    *mode = generation->watch;
    *tells_sights = generation->tells_sights;
    return generation->tells_watch;
}

const char *generation_failure(const struct generation *generation)
{
    return generation->failure.data;
}

bool generation_is_refused(const struct generation *generation)
{
    return generation->is_refused;
}

int64_t generation_drain_timeout_ms(const struct generation *generation)
{
    return generation->drain_timeout_ms;
}

int64_t generation_shutdown_timeout_ms(const struct generation *generation)
{
    return generation->shutdown_timeout_ms;
}

unsigned generation_max_generations(const struct generation *generation)
{
    return generation->max_generations;
}

int64_t generation_shutdown_delay_ms(const struct generation *generation)
{
    return generation->shutdown_delay_ms;
}

struct held_snapshot *generation_snapshot(const struct generation *generation)
{
    return generation->snapshot;
}
