#include "process/succession.h"

#include "base/alloc.h"
#include "process/generation_own.h"

#include <stdlib.h>

enum {
    LONGEST_MS = 5000,
};

/* How long older workers may take, while clients wait. */
static int64_t limit_ms(const struct supplies *supplies)
{
    return supplies->start_timeout_ms < LONGEST_MS ? supplies->start_timeout_ms : LONGEST_MS;
}

void succession_add(struct succession *succession, struct generation *generation)
{
    LIST_INSERT_HEAD(&succession->generations, generation, succession_entry);
}

bool succession_ask(struct worker_process *worker, struct slice names)
{
    struct generation *generation = worker->data;
    if (worker->heir.is_asking || worker->heir.has_leave || names.length == 0)
        return false;
    worker->heir.is_asking = true;
    worker->deadline_us = 0;
    if (generation->exclusive == NULL)
        generation->exclusive = mem_copy_text(names.data, names.length);
    return true;
}

/* Its filters have as much time for their create as the worker had for all the rest. */
static void give_leave(struct generation *generation, uint64_t now_us)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || !worker->heir.is_asking || worker->state != WORKER_STARTING)
            continue;
        worker->heir = (struct heir){.has_leave = true};
        worker->is_waiting = false;
        worker->deadline_us = now_us + (uint64_t)generation->supplies->start_timeout_ms * 1000;
        worker_process_tell(worker, MESSAGE_QUIET);
    }
}

/* Whether all workers of the generation have come to the point where nothing is missing but what older ones own. */
static bool is_asking(const struct generation *generation)
{
    bool is_any_asking = false;
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || (worker->state != WORKER_READY && !worker->heir.is_asking))
            return false;
        is_any_asking = is_any_asking || worker->heir.is_asking;
    }
    return generation->state == GENERATION_STARTING && is_any_asking;
}

static void tell_quiesce(struct worker_process *worker, const struct generation *successor)
{
    worker->heir.told = successor->number;
    worker->heir.is_quiet = false;
    worker_process_send(worker, &(struct message){
                                    .kind = MESSAGE_QUIESCE,
                                    .numbers = {successor->number, limit_ms(successor->supplies)},
                                    .text = slice_from_text(successor->exclusive),
                                    .fd = -1,
                                });
}

/* One that has begun to create what it was given leave for has to be through with that first; one that was killed has
 * what it had until it is gone. */
static bool is_quiet(struct worker_process *worker, const struct generation *successor)
{
    switch (worker->state) {
    case WORKER_STARTING:
        return !worker->heir.has_leave;
    case WORKER_READY:
    case WORKER_SERVING:
    case WORKER_DRAINING:
    case WORKER_CUT:
        if (worker->heir.told != successor->number)
            tell_quiesce(worker, successor);
        return worker->heir.is_quiet;
    case WORKER_KILLED:
        break;
    }
    return false;
}

static struct worker_process *find_owner(const struct generation *generation, const struct generation *successor)
{
    struct worker_process *owner = NULL;
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        /* All are told, whatever the first says. */
        if (worker != NULL && !is_quiet(worker, successor) && owner == NULL)
            owner = worker;
    }
    return owner;
}

static void blame_owner(struct generation *successor, const struct generation *generation,
                        const struct worker_process *owner)
{
    struct text reason = TEXT_INIT;
    struct slot slot = slots_read(&owner->supplies->slots, owner->slot);
    text_print(&reason, "worker %d of generation %u has not given up what it owns within %.3f s", (int)owner->pid,
               generation->number, (double)limit_ms(owner->supplies) / 1e3);
    obituary_print_slot(&slot, NULL, &reason);
    generation_fail(successor, reason.data);
    text_finish(&reason);
}

static void wait_for_others(struct succession *succession, uint64_t now_us)
{
    struct generation *successor = succession->successor, *generation;
    bool are_quiet = true;
    LIST_FOREACH(generation, &succession->generations, succession_entry)
    {
        const struct worker_process *owner = generation == successor || successor->state != GENERATION_STARTING
                                                 ? NULL
                                                 : find_owner(generation, successor);
        are_quiet = are_quiet && owner == NULL;
        if (owner != NULL && successor->quiet_until_us <= now_us)
            blame_owner(successor, generation, owner);
    }
    if (!are_quiet || successor->state != GENERATION_STARTING)
        return;
    successor->quiet_until_us = 0;
    give_leave(successor, now_us);
}

static void wake(const struct generation *generation, const struct generation *failed)
{
    for (unsigned i = 0; i < generation->count; ++i) {
        struct worker_process *worker = generation->places[i].worker;
        if (worker == NULL || worker->state == WORKER_KILLED || worker->heir.told != failed->number)
            continue;
        worker->heir.told = 0;
        worker_process_hand(worker, MESSAGE_WAKE, failed->number, 0, -1);
    }
}

/* Only once nobody is left who may have what they are to take again. */
static void wake_others(struct succession *succession)
{
    const struct generation *failed = succession->successor, *generation;
    succession->successor = NULL;
    LIST_FOREACH(generation, &succession->generations, succession_entry)
    {
        if (generation != failed)
            wake(generation, failed);
    }
}

void succession_remove(struct succession *succession, struct generation *generation)
{
    LIST_REMOVE(generation, succession_entry);
    if (succession->successor == generation)
        wake_others(succession);
}

static void find_successor(struct succession *succession, uint64_t now_us)
{
    struct generation *generation;
    LIST_FOREACH(generation, &succession->generations, succession_entry)
    {
        if (!is_asking(generation))
            continue;
        succession->successor = generation;
        generation->quiet_until_us = now_us + (uint64_t)limit_ms(generation->supplies) * 1000;
        break;
    }
}

static void step_successor(struct succession *succession, uint64_t now_us)
{
    struct generation *successor = succession->successor;
    if (successor->state == GENERATION_FAILED)
        successor->quiet_until_us = 0;
    if (successor->state == GENERATION_FAILED && generation_is_empty(successor))
        wake_others(succession);
    else if (successor->state == GENERATION_SERVING || successor->state == GENERATION_DRAINING)
        succession->successor = NULL;
    else if (successor->quiet_until_us != 0)
        wait_for_others(succession, now_us);
}

void succession_step(struct succession *succession, uint64_t now_us)
{
    struct generation *generation;
    if (succession->successor == NULL)
        find_successor(succession, now_us);
    if (succession->successor != NULL)
        step_successor(succession, now_us);
    if (succession->successor != NULL)
        return;
    LIST_FOREACH(generation, &succession->generations, succession_entry)
    {
        if (generation->state == GENERATION_SERVING)
            give_leave(generation, now_us);
    }
}

void succession_note(struct worker_process *worker, const struct message *message)
{
    const struct generation *generation = worker->data;
    struct generation *successor = worker->supplies->succession.successor;
    if (successor == NULL || message->numbers[0] != successor->number || worker->heir.told != successor->number)
        return;
    worker->heir.is_quiet = true;
    if (message->text.length == 0 || successor->quiet_until_us == 0)
        return;
    struct text reason = TEXT_INIT;
    text_print(&reason, "worker %d of generation %u: %.*s", (int)worker->pid, generation->number,
               SLICE_ARG(message->text));
    generation_fail(successor, reason.data);
    text_finish(&reason);
}
