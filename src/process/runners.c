#include "process/runners.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/crash_response.h"
#include "process/generation_own.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DRAIN_GRACE_US = 2 * 1000 * 1000,
    START_AGAIN_US = 5 * 1000 * 1000,
    QUIET_LIFE_US = 10 * 1000 * 1000, /* who lived that long is replaced at once */
};

static void close_waiting(struct runner_place *place)
{
    while (place->waiting_count != 0)
        close(place->waiting[--place->waiting_count].fd);
}

struct runner_group *runners_add_group(struct runners *runners, int64_t number, struct slice name, int64_t count)
{
    if (number < 0 || number >= RUNNERS_MOST || count < 1 || count > RUNNER_INSTANCES || name.length == 0 ||
        runners->groups[number].name != NULL || runners->process_count + (unsigned)count > RUNNERS_PROCESSES)
        return NULL;
    struct runner_group *group = &runners->groups[number];
    group->name = mem_copy_text(name.data, name.length);
    group->count = (unsigned)count;
    group->places = mem_zalloc(group->count * sizeof(*group->places));
    runners->process_count += group->count;
    return group;
}

static const struct runner_group *group_of(const struct generation *generation, const struct worker_process *process)
{
    for (int i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = &generation->runners.groups[i];
        for (unsigned j = 0; j < group->count; ++j) {
            if (group->places[j].process == process)
                return group;
        }
    }
    return NULL;
}

static void greet(struct worker_process *process)
{
    process->has_greeted = true;
    process->state = WORKER_SERVING;
    process->deadline_us = 0;
}

void runners_on_message(struct worker_process *process, const struct message *message)
{
    if (process->state == WORKER_KILLED)
        return;
    bool is_greeting = message->kind == MESSAGE_HELLO && message->numbers[0] == CHANNEL_VERSION;
    if (process->state == WORKER_STARTING && is_greeting) {
        greet(process);
    } else if (message->kind == MESSAGE_FAILED && process->failure == NULL) {
        process->failure = mem_copy_text(message->text.data, message->text.length);
    } else {
        console_log(LOG_LEVEL_ERROR, "runner %d said %s, which makes no sense here", (int)process->pid,
                    message_name(message->kind));
        worker_process_kill(process);
    }
}

static void hand_over(struct runner_place *place, int slot, int fd)
{
    worker_process_hand(place->process, MESSAGE_PEER, slot, 0, fd);
    close(fd);
}

static bool start(struct generation *generation, unsigned number, unsigned instance)
{
    struct runner_place *place = &generation->runners.groups[number].places[instance];
    const struct held_snapshot *snapshot = generation->snapshot;
    struct role role = {
        .is_runner = true,
        .runner = number,
        .config = generation->supplies->config,
        .snapshot = snapshot->folder,
        .generation = generation->number,
        .number = instance,
        .user = snapshot->user == NULL ? "" : snapshot->user,
        .uid = snapshot->uid,
        .gid = snapshot->gid,
    };
    place->start_us = 0;
    place->process = worker_process_start(generation->supplies, &role, runners_on_message, generation);
    if (place->process == NULL)
        return false;
    while (place->waiting_count != 0) {
        --place->waiting_count;
        hand_over(place, place->waiting[place->waiting_count].slot, place->waiting[place->waiting_count].fd);
    }
    return true;
}

void runner_place_keep(struct runner_place *place, int slot, int fd)
{
    for (size_t i = 0; i < place->waiting_count; ++i) {
        if (place->waiting[i].slot != slot)
            continue;
        close(place->waiting[i].fd);
        place->waiting[i].fd = fd;
        return;
    }
    place->waiting = mem_grow(place->waiting, place->waiting_count, &place->waiting_capacity, sizeof(*place->waiting));
    place->waiting[place->waiting_count++] = (struct runner_peer){slot, fd};
}

static void join(struct worker_process *worker, struct runner_place *place, const struct message *message)
{
    int ends[2] = {-1, -1};
    struct message answer = {
        .kind = MESSAGE_JOINED,
        .numbers = {message->numbers[0], message->numbers[1]},
    };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        answer.numbers[2] = errno;
    answer.fd = ends[0];
    worker_process_send(worker, &answer);
    if (ends[0] == -1)
        return;
    close(ends[0]);
    if (place->process != NULL && place->process->state != WORKER_KILLED)
        hand_over(place, worker->slot, ends[1]);
    else
        runner_place_keep(place, worker->slot, ends[1]);
}

/* Which there are is said by a worker that has run no code of a library yet. */
static struct runner_group *find_group(struct generation *generation, const struct worker_process *worker,
                                       const struct message *message)
{
    int64_t number = message->numbers[0];
    if (number < 0 || number >= RUNNERS_MOST)
        return NULL;
    struct runner_group *group = &generation->runners.groups[number];
    bool may_add = worker->state == WORKER_STARTING && worker->is_first && !worker->is_loading;
    if (group->name == NULL && may_add) {
        group = runners_add_group(&generation->runners, number, message->text, message->numbers[2]);
        for (unsigned i = 0; group != NULL && i < group->count; ++i)
            group->places[i].start_us = 1;
    }
    return group == NULL || group->name == NULL || group->count != message->numbers[2] ? NULL : group;
}

bool runners_on_request(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    struct runner_group *group = find_group(generation, worker, message);
    int64_t instance = message->numbers[1];
    if (group == NULL || instance < 0 || instance >= group->count)
        return false;
    join(worker, &group->places[instance], message);
    return true;
}

/* Until the last worker has ended. */
static bool is_wanted(const struct generation *generation)
{
    return generation->state != GENERATION_FAILED && !generation_has_ended(generation);
}

static const char *problem_of(const struct worker_process *process)
{
    if (process->state == WORKER_STARTING)
        return "was not ready in time";
    return process->state == WORKER_SERVING ? "stays stopped" : "does not end";
}

static void act_on_deadline(struct generation *generation, struct worker_process *process)
{
    const struct runner_group *group = group_of(generation, process);
    struct text line = TEXT_INIT;
    struct slot slot = slots_read(&generation->supplies->slots, process->slot);
    text_print(&line, "runner %d of library '%s', generation %u, %s and is killed", (int)process->pid, group->name,
               generation->number, problem_of(process));
    obituary_print_slot(&slot, NULL, &line);
    console_log(LOG_LEVEL_ERROR, "%s", line.data);
    text_finish(&line);
    if (process->state == WORKER_SERVING)
        supervision_count_crash(generation->supplies->supervision.supervision, SUPERVISION_CRASH_RUNNER);
    worker_process_kill(process);
}

static void step_place(struct generation *generation, unsigned number, unsigned instance, uint64_t now_us)
{
    struct runner_place *place = &generation->runners.groups[number].places[instance];
    struct worker_process *process = place->process;
    if (process != NULL && process->deadline_us != 0 && process->deadline_us <= now_us)
        act_on_deadline(generation, process);
    if (process != NULL || place->start_us == 0 || place->start_us > now_us || start(generation, number, instance))
        return;
    console_log(LOG_LEVEL_ERROR, "cannot start a runner of generation %u: %s", generation->number, strerror(errno));
    place->start_us = now_us + START_AGAIN_US;
}

void runners_step(struct generation *generation, uint64_t now_us)
{
    if (!is_wanted(generation))
        runners_drain(generation);
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        for (unsigned j = 0; j < generation->runners.groups[i].count; ++j)
            step_place(generation, i, j, now_us);
    }
}

uint64_t runners_deadline(const struct generation *generation)
{
    uint64_t deadline = 0;
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = &generation->runners.groups[i];
        for (unsigned j = 0; j < group->count; ++j) {
            const struct runner_place *place = &group->places[j];
            uint64_t due = place->process == NULL ? place->start_us : place->process->deadline_us;
            deadline = deadline == 0 || (due != 0 && due < deadline) ? due : deadline;
        }
    }
    return deadline;
}

static void report_death(struct generation *generation, const struct worker_process *process, const struct death *death)
{
    if (process->failure == NULL)
        generation_report_death(generation, process, death);
    else
        console_log(LOG_LEVEL_ERROR, "runner %d of library '%s' could not start: %s", (int)death->pid, death->library,
                    process->failure);
}

/* One that has died by itself may have been killed too, for the worker says first that it is lost without it. */
static bool is_orderly(const struct worker_process *process, const struct death *death)
{
    if (process->state == WORKER_KILLED)
        return WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGKILL;
    return process->state == WORKER_DRAINING && death->status == 0 && death->slot.call.hook == SLOT_HOOK_NONE;
}

/* A runner kills itself where a call takes too long. */
static bool was_ended_for_time(const struct death *death)
{
    return WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGKILL && !death->was_for_want_of_memory;
}

static void take_leave(struct generation *generation, unsigned number, unsigned instance, int status)
{
    struct runner_group *group = &generation->runners.groups[number];
    struct runner_place *place = &group->places[instance];
    struct worker_process *process = place->process;
    struct death death;
    worker_process_bury(process, generation->number, status, &death);
    death.library = group->name;
    generation_judge_death(generation, &death);
    place->process = NULL;
    if (!is_orderly(process, &death)) {
        ++group->deaths;
        report_death(generation, process, &death);
    }
    if (generation->state == GENERATION_SERVING)
        crash_response_note(generation, &death, was_ended_for_time(&death));
    if (death.lived_us >= QUIET_LIFE_US)
        place->quick_deaths = 0;
    if (is_wanted(generation))
        place->start_us = clock_monotonic_us() + generation_delay_after(place->quick_deaths++);
    death_finish(&death);
    worker_process_destroy(process);
}

static void note_stop(struct generation *generation, struct worker_process *process, bool is_stopped)
{
    if (process->state != WORKER_SERVING || generation->stuck_timeout_ms == 0)
        return;
    process->deadline_us = is_stopped ? clock_monotonic_us() + (uint64_t)generation->stuck_timeout_ms * 1000 : 0;
    if (is_stopped)
        console_log(LOG_LEVEL_WARNING, "runner %d of library '%s', generation %u, was stopped by a signal",
                    (int)process->pid, group_of(generation, process)->name, generation->number);
}

void runners_note_stop(struct generation *generation, pid_t pid, bool is_stopped)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = &generation->runners.groups[i];
        for (unsigned j = 0; j < group->count; ++j) {
            struct worker_process *process = group->places[j].process;
            if (process != NULL && process->pid == pid)
                note_stop(generation, process, is_stopped);
        }
    }
}

bool runners_bury(struct generation *generation, pid_t pid, int status)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = &generation->runners.groups[i];
        for (unsigned j = 0; j < group->count; ++j) {
            if (group->places[j].process == NULL || group->places[j].process->pid != pid)
                continue;
            take_leave(generation, i, j, status);
            return true;
        }
    }
    return false;
}

static void drain_place(struct runner_place *place)
{
    struct worker_process *process = place->process;
    place->start_us = 0;
    close_waiting(place);
    if (process == NULL || process->state == WORKER_DRAINING || process->state == WORKER_KILLED)
        return;
    process->state = WORKER_DRAINING;
    process->deadline_us = clock_monotonic_us() + DRAIN_GRACE_US;
    worker_process_tell(process, MESSAGE_CUT);
}

void runners_drain(struct generation *generation)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        for (unsigned j = 0; j < generation->runners.groups[i].count; ++j)
            drain_place(&generation->runners.groups[i].places[j]);
    }
}

void runners_kill(struct generation *generation)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        for (unsigned j = 0; j < generation->runners.groups[i].count; ++j) {
            struct runner_place *place = &generation->runners.groups[i].places[j];
            place->start_us = 0;
            close_waiting(place);
            if (place->process != NULL)
                worker_process_kill(place->process);
        }
    }
}

const struct runner_group *generation_runner(const struct generation *generation, unsigned number)
{
    return &generation->runners.groups[number];
}

unsigned runner_group_count(const struct runner_group *group)
{
    unsigned count = 0;
    for (unsigned i = 0; i < group->count; ++i)
        count += group->places[i].process != NULL;
    return count;
}

bool runners_are_empty(const struct generation *generation)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        if (runner_group_count(&generation->runners.groups[i]) != 0)
            return false;
    }
    return true;
}

void runners_finish(struct generation *generation)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        struct runner_group *group = &generation->runners.groups[i];
        for (unsigned j = 0; j < group->count; ++j) {
            close_waiting(&group->places[j]);
            free(group->places[j].waiting);
        }
        free(group->places);
        free(group->name);
    }
}
