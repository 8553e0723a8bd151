#include "process/handover_runners.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_NUMBER = INT32_MAX,
};

static void add_place(struct handover *handover, unsigned group, unsigned instance, const struct runner_place *place)
{
    handover_add_record(handover, "runner-place");
    handover_add_number(handover, group);
    handover_add_number(handover, instance);
    handover_add_number(handover, place->quick_deaths);
    handover_add_unsigned(handover, place->start_us);
    for (size_t i = 0; i < place->waiting_count; ++i) {
        handover_add_record(handover, "runner-peer");
        handover_add_number(handover, group);
        handover_add_number(handover, instance);
        handover_add_number(handover, place->waiting[i].slot);
        handover_add_fd(handover, place->waiting[i].fd);
    }
    if (place->process == NULL)
        return;
    handover_add_record(handover, "runner");
    handover_add_number(handover, group);
    handover_add_process(handover, place->process);
}

void handover_runners_add(struct handover *handover, const struct runners *runners)
{
    for (unsigned i = 0; i < RUNNERS_MOST; ++i) {
        const struct runner_group *group = &runners->groups[i];
        if (group->name == NULL)
            continue;
        handover_add_record(handover, "runner-group");
        handover_add_number(handover, i);
        handover_add_text(handover, group->name);
        handover_add_number(handover, group->count);
        handover_add_number(handover, group->deaths);
        for (unsigned j = 0; j < group->count; ++j)
            add_place(handover, i, j, &group->places[j]);
    }
}

void handover_take_runner_group(struct handover_reader *reader, struct generation *generation)
{
    int64_t number = handover_take_number(reader, 0, RUNNERS_MOST - 1);
    char *name = handover_need_text(reader);
    int64_t count = handover_take_number(reader, 1, RUNNER_INSTANCES);
    unsigned deaths = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    struct runner_group *group = NULL;
    if (handover_end_record(reader))
        group = runners_add_group(&generation->runners, number, slice_from_text(name), count);
    if (group != NULL)
        group->deaths = deaths;
    else
        handover_refuse(reader, "there is one of that number already, or they are too many");
    free(name);
}

/* The place that the record begins with; NULL where there is none. */
static struct runner_place *take_place(struct handover_reader *reader, struct generation *generation)
{
    const struct runner_group *group = &generation->runners.groups[handover_take_number(reader, 0, RUNNERS_MOST - 1)];
    int64_t instance = handover_take_number(reader, 0, RUNNER_INSTANCES - 1);
    if (instance < group->count)
        return &group->places[instance];
    handover_refuse(reader, "there is no such place");
    return NULL;
}

void handover_take_runner_place(struct handover_reader *reader, struct generation *generation)
{
    struct runner_place *place = take_place(reader, generation);
    unsigned quick_deaths = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    uint64_t start_us = handover_take_unsigned(reader);
    if (!handover_end_record(reader))
        return;
    place->quick_deaths = quick_deaths;
    place->start_us = start_us;
}

void handover_take_runner_peer(struct handover_reader *reader, struct generation *generation)
{
    struct runner_place *place = take_place(reader, generation);
    int slot = (int)handover_take_number(reader, 0, SLOTS_COUNT - 1);
    int fd = handover_need_fd(reader);
    if (handover_end_record(reader))
        runner_place_keep(place, slot, fd);
    else if (fd != -1)
        close(fd);
}

void handover_take_runner(struct handover_reader *reader, struct generation *generation)
{
    const struct runner_group *group = &generation->runners.groups[handover_take_number(reader, 0, RUNNERS_MOST - 1)];
    struct worker_process *process = worker_process_create(generation->supplies, runners_on_message, generation);
    struct slots *slots = &generation->supplies->slots;
    int fds[3];
    handover_take_process(reader, process, fds);
    bool is_fine = handover_end_record(reader) && process->number < group->count &&
                   group->places[process->number].process == NULL && !slots->is_taken[process->slot];
    if (is_fine && worker_process_watch(process, fds)) {
        group->places[process->number].process = process;
        slots_keep(slots, process->slot);
        return;
    }
    handover_refuse(reader, is_fine ? strerror(errno) : "it does not fit its generation");
    process->slot = -1;
    worker_process_destroy(process);
}
