#include "process/generations.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/console.h"
#include "process/generation_counts.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

enum {
    IDLE_AS_EVER = -1,
    IDLE_MS = 1000,                       /* how long connections without a request are kept when stopping */
    STOPPED_TIMEOUT_US = 2 * 1000 * 1000, /* how long an old worker may take to say that it accepts no more */
};

void generations_init(struct generations *generations, struct supplies *supplies)
{
    *generations = (struct generations){.supplies = supplies};
}

void generations_start(struct generations *generations, struct held_snapshot *from)
{
    struct generation_entry *entry = mem_zalloc(sizeof(*entry));
    entry->generation = generation_create(generations->supplies, ++generations->last_number, from);
    entry->next = generations->entries;
    generations->entries = entry;
    generations->starting = entry->generation;
}

/* The new one accepts before the old one stops, so that there is always somebody who does. */
void generations_promote(struct generations *generations)
{
    struct generation *old = generations->serving;
    generations->serving = generations->starting;
    generations->starting = NULL;
    generations->shutdown_timeout_ms = generation_shutdown_timeout_ms(generations->serving);
    generation_go(generations->serving);
    supervision_show_generation(generations->supplies->supervision.supervision,
                                generation_number(generations->serving));
    if (old != NULL)
        generation_drain(old, generation_drain_timeout_ms(old), IDLE_AS_EVER, false);
    generations->is_announced = false;
    generations->announce_until_us = clock_monotonic_us() + STOPPED_TIMEOUT_US;
}

bool generations_have_stopped(const struct generations *generations)
{
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) == GENERATION_DRAINING && !generation_has_stopped(entry->generation))
            return false;
    }
    return true;
}

bool generations_announce(struct generations *generations, uint64_t now_us)
{
    if (generations->serving == NULL || generations->is_announced ||
        (!generations_have_stopped(generations) && now_us < generations->announce_until_us))
        return false;
    unsigned count = generation_worker_count(generations->serving);
    generations->is_announced = true;
    console_log(LOG_LEVEL_INFO, "generation %u is serving (%u worker%s)", generation_number(generations->serving),
                count, count == 1 ? "" : "s");
    return true;
}

struct generations_draining generations_count_draining(const struct generations *generations)
{
    struct generations_draining draining = {0};
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) != GENERATION_DRAINING)
            continue;
        struct generation_counts counts = generation_count(entry->generation);
        ++draining.generations;
        draining.busy_generations += counts.requests != 0;
        draining.workers += counts.workers;
    }
    return draining;
}

static void end_service(struct generations *generations)
{
    if (generations->starting != NULL)
        generation_abandon(generations->starting);
    generations->serving = NULL;
}

void generations_drain(struct generations *generations, int64_t timeout_ms)
{
    end_service(generations);
    for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) != GENERATION_FAILED)
            generation_drain(entry->generation, timeout_ms, IDLE_MS, true);
    }
}

void generations_cut(struct generations *generations)
{
    end_service(generations);
    for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) != GENERATION_FAILED)
            generation_cut(entry->generation);
    }
}

void generations_bury(struct generations *generations, pid_t pid, int status)
{
    for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (generation_bury(entry->generation, pid, status))
            break;
    }
}

void generations_note_stops(struct generations *generations)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG) == 0 && info.si_pid != 0) {
        for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
            generation_note_stop(entry->generation, info.si_pid, info.si_code == CLD_STOPPED);
        info.si_pid = 0;
    }
}

void generations_reopen_logs(struct generations *generations)
{
    for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
        generation_reopen_logs(entry->generation);
}

void generations_step(struct generations *generations, uint64_t now_us)
{
    for (struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
        generation_step(entry->generation, now_us);
}

/* A worker of the serving generation is replaced as soon as it dies, so empty means over only for the others. */
static bool is_over(const struct generations *generations, const struct generation *generation)
{
    return generation != generations->serving && generation != generations->starting && generation_is_empty(generation);
}

void generations_remove_finished(struct generations *generations)
{
    struct generation_entry **link = &generations->entries;
    uint32_t count = 0;
    while (*link != NULL) {
        struct generation_entry *entry = *link;
        if (!is_over(generations, entry->generation)) {
            link = &entry->next;
            ++count;
            continue;
        }
        if (generation_state(entry->generation) == GENERATION_DRAINING)
            console_log(LOG_LEVEL_INFO, "generation %u has drained", generation_number(entry->generation));
        *link = entry->next;
        generation_destroy(entry->generation);
        free(entry);
    }
    supervision_show_generations(generations->supplies->supervision.supervision, count);
}

uint64_t generations_deadline(const struct generations *generations)
{
    uint64_t until_us = UINT64_MAX;
    /* It failed before it had a process whose end would be an event. */
    if (generations->starting != NULL && generation_state(generations->starting) == GENERATION_FAILED)
        return 0;
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        uint64_t deadline_us = generation_deadline(entry->generation);
        if (deadline_us != 0 && deadline_us < until_us)
            until_us = deadline_us;
    }
    if (generations->serving != NULL && !generations->is_announced && generations->announce_until_us < until_us)
        until_us = generations->announce_until_us;
    return until_us;
}
