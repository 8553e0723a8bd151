#include "process/handover_generation.h"

#include "base/alloc.h"
#include "process/generation_own.h"
#include "process/handover_runners.h"
#include "process/handover_supplies.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    MOST_NUMBER = INT32_MAX,
};

static void add_uses(struct handover *handover, const struct generation *generation)
{
    for (int i = 0; i < GENERATION_LISTENERS; ++i) {
        if (generation->listeners[i] == NULL)
            continue;
        const struct listen_options *options = &generation->listen_options[i];
        handover_add_record(handover, "uses-listener");
        handover_add_number(handover, i);
        handover_add_number(handover, generation->listeners[i]->fd);
        handover_add_number(handover, options->backlog);
        handover_add_number(handover, options->mode);
        handover_add_number(handover, options->owner);
        handover_add_number(handover, options->group);
    }
    for (int i = 0; i < GENERATION_LOGS; ++i) {
        if (generation->logs[i] == NULL)
            continue;
        handover_add_record(handover, "uses-log");
        handover_add_number(handover, i);
        handover_add_text(handover, generation->logs[i]->path);
    }
    for (size_t i = 0; i < generation->server_count; ++i) {
        handover_add_record(handover, "uses-server");
        handover_add_number(handover, generation->servers[i]);
    }
}

static void add_output(struct handover *handover, const struct worker_output *output)
{
    handover_add_fd(handover, output->watch.fd);
    handover_add_slice(handover, slice_of(output->lines.data, output->lines.length));
}

static void add_stall(struct handover *handover, const struct stall *stall)
{
    handover_add_number(handover, stall->beat);
    handover_add_unsigned(handover, stall->since_us);
    handover_add_unsigned(handover, stall->until_us);
    handover_add_unsigned(handover, stall->counted_us);
    handover_add_number(handover, stall->is_told);
    handover_add_number(handover, stall->is_stopped);
    handover_add_number(handover, stall->moved_ms);
    handover_add_number(handover, stall->has_record);
    handover_add_number(handover, stall->is_asked);
    handover_add_number(handover, stall->next_record);
}

void handover_add_process(struct handover *handover, const struct worker_process *worker)
{
    handover_add_number(handover, worker->number);
    handover_add_number(handover, worker->pid);
    handover_add_number(handover, worker->slot);
    handover_add_number(handover, worker->state);
    handover_add_number(handover, worker->is_first);
    handover_add_number(handover, worker->has_greeted);
    handover_add_number(handover, worker->is_loading);
    handover_add_number(handover, worker->is_waiting);
    handover_add_number(handover, worker->has_stopped);
    handover_add_unsigned(handover, worker->started_us);
    handover_add_unsigned(handover, worker->deadline_us);
    handover_add_text(handover, worker->failure);
    handover_add_number(handover, worker->is_death_told);
    add_stall(handover, &worker->stall);
    handover_add_number(handover, worker->heir.is_asking);
    handover_add_number(handover, worker->heir.has_leave);
    handover_add_number(handover, worker->heir.is_quiet);
    handover_add_number(handover, worker->heir.told);
    handover_add_fd(handover, worker->channel.fd);
    add_output(handover, &worker->output);
    add_output(handover, &worker->errors);
}

/* Several may use the same one, which is told by its number. */
static void add_snapshot(struct handover *handover, const struct held_snapshot *snapshot)
{
    handover_add_number(handover, snapshot->number);
    handover_add_text(handover, snapshot->folder);
    handover_add_number(handover, snapshot->is_recorded);
    handover_add_text(handover, snapshot->user);
    handover_add_number(handover, snapshot->uid);
    handover_add_number(handover, snapshot->gid);
    handover_add_unsigned(handover, snapshot->served_since_ms);
}

static void add_generation(struct handover *handover, const struct generation *generation)
{
    handover_add_record(handover, "generation");
    handover_add_number(handover, generation->number);
    handover_add_number(handover, generation->state);
    add_snapshot(handover, generation->snapshot);
    handover_add_number(handover, generation->count);
    handover_add_number(handover, generation->is_read);
    handover_add_number(handover, generation->is_refused);
    handover_add_number(handover, generation->was_shortage_told);
    handover_add_number(handover, generation->drain_timeout_ms);
    handover_add_number(handover, generation->shutdown_timeout_ms);
    handover_add_number(handover, generation->shutdown_delay_ms);
    handover_add_number(handover, generation->stuck_timeout_ms);
    handover_add_number(handover, generation->max_generations);
    handover_add_text(handover, generation->exclusive);
    handover_add_unsigned(handover, generation->began_us);
    handover_add_unsigned(handover, generation->look_us);
    handover_add_unsigned(handover, generation->look_every_us);
    handover_add_number(handover, generation->tells_watch);
    handover_add_number(handover, generation->tells_sights);
    handover_add_number(handover, generation->watch);
    add_uses(handover, generation);
    for (unsigned i = 0; i < generation->count; ++i) {
        const struct worker_place *place = &generation->places[i];
        handover_add_record(handover, "place");
        handover_add_number(handover, i);
        handover_add_number(handover, place->quick_deaths);
        handover_add_unsigned(handover, place->start_us);
        if (place->worker == NULL)
            continue;
        handover_add_record(handover, "worker");
        handover_add_process(handover, place->worker);
    }
    handover_runners_add(handover, &generation->runners);
}

static void add_reloads(struct handover *handover, const struct reloads *reloads)
{
    handover_add_record(handover, "reloads");
    handover_add_number(handover, reloads->last_id);
    handover_add_number(handover, reloads->wanted == NULL ? 0 : reloads->wanted->id);
    handover_add_number(handover, reloads->wanted == NULL ? 0 : reloads->wanted->causes);
    for (int i = 0; i < RELOADS_KEPT && reloads->kept[i] != NULL; ++i) {
        handover_add_record(handover, "kept");
        add_snapshot(handover, reloads->kept[i]);
    }
}

void handover_generations_add(struct handover *handover, const struct reloads *reloads)
{
    const struct generations *generations = reloads->generations;
    handover_add_record(handover, "generations");
    handover_add_number(handover, generations->last_number);
    handover_add_number(handover, generations->shutdown_timeout_ms);
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next)
        add_generation(handover, entry->generation);
    add_reloads(handover, reloads);
}

static struct held_snapshot *find_snapshot(const struct reloads *reloads, unsigned number)
{
    for (const struct generation_entry *entry = reloads->generations->entries; entry != NULL; entry = entry->next) {
        struct held_snapshot *snapshot = entry->generation->snapshot;
        if (snapshot != NULL && snapshot->number == number)
            return snapshot;
    }
    for (int i = 0; i < RELOADS_KEPT; ++i) {
        if (reloads->kept[i] != NULL && reloads->kept[i]->number == number)
            return reloads->kept[i];
    }
    return NULL;
}

static bool are_alike(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The caller is one more user of it. */
static struct held_snapshot *take_snapshot(struct handover_reader *reader, const struct reloads *reloads)
{
    struct held_snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
    snapshot->users = 1;
    snapshot->number = (unsigned)handover_take_number(reader, 1, MOST_NUMBER);
    snapshot->folder = handover_take_text(reader);
    snapshot->is_recorded = handover_take_bool(reader);
    snapshot->user = handover_take_text(reader);
    snapshot->uid = (uint32_t)handover_take_number(reader, 0, UINT32_MAX);
    snapshot->gid = (uint32_t)handover_take_number(reader, 0, UINT32_MAX);
    snapshot->served_since_ms = handover_take_unsigned(reader);
    struct held_snapshot *known = find_snapshot(reloads, snapshot->number);
    if (known == NULL || reader->error->is_set)
        return snapshot;
    if (!are_alike(known->folder, snapshot->folder) || !are_alike(known->user, snapshot->user))
        handover_refuse(reader, "there is another snapshot of that number");
    free(snapshot->folder);
    free(snapshot->user);
    free(snapshot);
    return held_snapshot_use(known);
}

static void take_reloads(struct handover_reader *reader, struct reloads *reloads)
{
    const unsigned all_causes =
        RELOAD_START | RELOAD_SIGNAL | RELOAD_FILES | RELOAD_COMMAND | RELOAD_ROLLBACK | RELOAD_UPGRADE;
    reloads->last_id = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    unsigned wanted_id = (unsigned)handover_take_number(reader, 0, reloads->last_id);
    unsigned causes = (unsigned)handover_take_number(reader, 0, all_causes);
    if (!handover_end_record(reader) || wanted_id == 0 || reloads->wanted != NULL)
        return;
    reloads->wanted = reload_create(wanted_id);
    reloads->wanted->causes = causes;
}

static void take_kept(struct handover_reader *reader, struct reloads *reloads)
{
    int number = 0;
    while (number < RELOADS_KEPT && reloads->kept[number] != NULL)
        ++number;
    struct held_snapshot *snapshot = take_snapshot(reader, reloads);
    if (handover_end_record(reader) && number < RELOADS_KEPT) {
        reloads->kept[number] = snapshot;
        return;
    }
    handover_refuse(reader, "more snapshots are kept than this program does");
}

static void take_generations(struct handover_reader *reader, struct generations *generations)
{
    generations->last_number = (unsigned)handover_take_number(reader, 1, MOST_NUMBER);
    generations->shutdown_timeout_ms = handover_take_number(reader, INT64_MIN, INT64_MAX);
    (void)!handover_end_record(reader);
}

/* Behind those that are there: the newest comes first. */
static struct generation *append_generation(struct generations *generations)
{
    struct generation_entry **link = &generations->entries;
    struct generation_entry *entry = mem_zalloc(sizeof(*entry));
    while (*link != NULL)
        link = &(*link)->next;
    *link = entry;
    entry->generation = mem_zalloc(sizeof(*entry->generation));
    entry->generation->supplies = generations->supplies;
    return entry->generation;
}

static void take_generation(struct handover_reader *reader, const struct reloads *reloads)
{
    struct generations *generations = reloads->generations;
    struct generation *generation = append_generation(generations);
    generation->number = (unsigned)handover_take_number(reader, 1, MOST_NUMBER);
    generation->state = (enum generation_state)handover_take_number(reader, GENERATION_SERVING, GENERATION_FAILED);
    generation->snapshot = take_snapshot(reader, reloads);
    generation->count = (unsigned)handover_take_number(reader, 1, GENERATION_WORKERS);
    generation->is_read = handover_take_bool(reader);
    generation->is_refused = handover_take_bool(reader);
    generation->was_shortage_told = handover_take_bool(reader);
    generation->drain_timeout_ms = handover_take_number(reader, INT64_MIN, INT64_MAX);
    generation->shutdown_timeout_ms = handover_take_number(reader, INT64_MIN, INT64_MAX);
    generation->shutdown_delay_ms = handover_take_number(reader, INT64_MIN, INT64_MAX);
    generation->stuck_timeout_ms = handover_take_number(reader, 0, INT64_MAX);
    generation->max_generations = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    generation->exclusive = handover_take_text(reader);
    generation->began_us = handover_take_unsigned(reader);
    generation->look_us = handover_take_unsigned(reader);
    generation->look_every_us = handover_take_unsigned(reader);
    generation->tells_watch = handover_take_bool(reader);
    generation->tells_sights = handover_take_bool(reader);
    generation->watch = (enum watch_mode)handover_take_number(reader, WATCH_OFF, WATCH_ALL);
    if (!handover_end_record(reader))
        generation->count = 0;
    generation->places = mem_zalloc((generation->count + 1) * sizeof(*generation->places));
    if (generation->state != GENERATION_SERVING)
        return;
    if (generations->serving != NULL)
        handover_refuse(reader, "a second one serves");
    generations->serving = generation;
}

/* The generation that the reader is in the midst of. */
static struct generation *find_last(struct handover_reader *reader, const struct generations *generations)
{
    const struct generation_entry *entry = generations->entries;
    while (entry != NULL && entry->next != NULL)
        entry = entry->next;
    if (entry == NULL)
        handover_refuse(reader, "it belongs to no generation");
    return entry == NULL ? NULL : entry->generation;
}

static void take_listener_use(struct handover_reader *reader, struct generation *generation)
{
    int index = (int)handover_take_number(reader, 0, GENERATION_LISTENERS - 1);
    int fd = (int)handover_take_number(reader, 0, MOST_NUMBER);
    struct listen_options *options = &generation->listen_options[index];
    options->backlog = (int)handover_take_number(reader, 0, INT32_MAX);
    options->mode = (int)handover_take_number(reader, -1, 0777);
    options->owner = handover_take_number(reader, -1, UINT32_MAX);
    options->group = handover_take_number(reader, -1, UINT32_MAX);
    struct listener *listener = handover_find_listener(generation->supplies, fd);
    if (!handover_end_record(reader) || listener == NULL || generation->listeners[index] != NULL) {
        handover_refuse(reader, "that listener is none, or a second one");
        return;
    }
    generation->listeners[index] = listener;
    ++listener->users;
}

static void take_log_use(struct handover_reader *reader, struct generation *generation)
{
    int index = (int)handover_take_number(reader, 0, GENERATION_LOGS - 1);
    char *path = handover_need_text(reader);
    struct log_file *log = path == NULL ? NULL : handover_find_log(generation->supplies, path);
    free(path);
    if (!handover_end_record(reader) || log == NULL || generation->logs[index] != NULL) {
        handover_refuse(reader, "that log is none, or a second one");
        return;
    }
    generation->logs[index] = log;
    ++log->users;
}

static void take_server_use(struct handover_reader *reader, struct generation *generation)
{
    struct server_table *table = &generation->supplies->servers;
    int number = (int)handover_take_number(reader, 0, SERVER_STATES_COUNT - 1);
    if (!handover_end_record(reader) || (size_t)number >= table->count || table->entries[number] == NULL ||
        !generation_add_server(generation, number)) {
        handover_refuse(reader, "that server is none, or a second one");
        return;
    }
    server_table_keep(table, number);
}

static void take_place(struct handover_reader *reader, struct generation *generation)
{
    unsigned number = (unsigned)handover_take_number(reader, 0, (int64_t)generation->count - 1);
    unsigned quick_deaths = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    uint64_t start_us = handover_take_unsigned(reader);
    if (!handover_end_record(reader))
        return;
    generation->places[number].quick_deaths = quick_deaths;
    generation->places[number].start_us = start_us;
}

static int take_output(struct handover_reader *reader, struct console_lines *lines)
{
    int fd = handover_take_fd(reader);
    struct slice rest = handover_take_slice(reader);
    if (rest.length > sizeof(lines->data))
        handover_refuse(reader, "its output is too long");
    else if (rest.length != 0)
        memcpy(lines->data, rest.data, rest.length);
    lines->length = reader->error->is_set ? 0 : rest.length;
    free((char *)(uintptr_t)rest.data);
    return fd;
}

static void take_stall(struct handover_reader *reader, struct stall *stall)
{
    stall->beat = (uint32_t)handover_take_number(reader, 0, UINT32_MAX);
    stall->since_us = handover_take_unsigned(reader);
    stall->until_us = handover_take_unsigned(reader);
    stall->counted_us = handover_take_unsigned(reader);
    stall->is_told = handover_take_bool(reader);
    stall->is_stopped = handover_take_bool(reader);
    stall->moved_ms = handover_take_number(reader, 0, INT64_MAX);
    stall->has_record = handover_take_bool(reader);
    stall->is_asked = handover_take_bool(reader);
    stall->next_record = (uint32_t)handover_take_number(reader, 0, UINT32_MAX);
}

void handover_take_process(struct handover_reader *reader, struct worker_process *worker, int fds[3])
{
    worker->number = (uint32_t)handover_take_number(reader, 0, GENERATION_WORKERS - 1);
    worker->pid = (pid_t)handover_take_number(reader, 2, MOST_NUMBER);
    worker->slot = (int)handover_take_number(reader, 0, SLOTS_COUNT - 1);
    worker->state = (enum worker_state)handover_take_number(reader, WORKER_STARTING, WORKER_KILLED);
    worker->is_first = handover_take_bool(reader);
    worker->has_greeted = handover_take_bool(reader);
    worker->is_loading = handover_take_bool(reader);
    worker->is_waiting = handover_take_bool(reader);
    worker->has_stopped = handover_take_bool(reader);
    worker->started_us = handover_take_unsigned(reader);
    worker->deadline_us = handover_take_unsigned(reader);
    worker->failure = handover_take_text(reader);
    worker->is_death_told = handover_take_bool(reader);
    take_stall(reader, &worker->stall);
    worker->heir.is_asking = handover_take_bool(reader);
    worker->heir.has_leave = handover_take_bool(reader);
    worker->heir.is_quiet = handover_take_bool(reader);
    worker->heir.told = (unsigned)handover_take_number(reader, 0, MOST_NUMBER);
    fds[0] = handover_take_fd(reader);
    fds[1] = take_output(reader, &worker->output.lines);
    fds[2] = take_output(reader, &worker->errors.lines);
}

static void take_worker(struct handover_reader *reader, struct generation *generation)
{
    struct worker_process *worker = worker_process_create(generation->supplies, generation_on_message, generation);
    struct slots *slots = &generation->supplies->slots;
    int fds[3];
    handover_take_process(reader, worker, fds);
    bool is_fine = handover_end_record(reader) && worker->number < generation->count &&
                   generation->places[worker->number].worker == NULL && !slots->is_taken[worker->slot];
    if (is_fine && worker_process_watch(worker, fds)) {
        generation->places[worker->number].worker = worker;
        slots_keep(slots, worker->slot);
        return;
    }
    handover_refuse(reader, is_fine ? strerror(errno) : "it does not fit its generation");
    worker->slot = -1;
    worker_process_destroy(worker);
}

struct part {
    const char *word;
    void (*take)(struct handover_reader *reader, struct generation *generation);
};

static bool take_part(struct handover_reader *reader, const struct generations *generations)
{
    static const struct part parts[] = {
        {"uses-listener", take_listener_use},
        {"uses-log", take_log_use},
        {"uses-server", take_server_use},
        {"place", take_place},
        {"worker", take_worker},
        {"runner-group", handover_take_runner_group},
        {"runner-place", handover_take_runner_place},
        {"runner-peer", handover_take_runner_peer},
        {"runner", handover_take_runner},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i) {
        if (!handover_is(reader, parts[i].word))
            continue;
        struct generation *generation = find_last(reader, generations);
        if (generation != NULL)
            parts[i].take(reader, generation);
        return true;
    }
    return false;
}

bool handover_generations_take(struct handover_reader *reader, struct reloads *reloads)
{
    if (handover_is(reader, "generations"))
        take_generations(reader, reloads->generations);
    else if (handover_is(reader, "generation"))
        take_generation(reader, reloads);
    else if (handover_is(reader, "reloads"))
        take_reloads(reader, reloads);
    else if (handover_is(reader, "kept"))
        take_kept(reader, reloads);
    else
        return take_part(reader, reloads->generations);
    return true;
}

/* The oldest first, as they had come. */
static void add_to_succession(struct supplies *supplies, const struct generation_entry *entry)
{
    if (entry == NULL)
        return;
    add_to_succession(supplies, entry->next);
    succession_add(&supplies->succession, entry->generation);
}

bool handover_generations_complete(struct generations *generations, struct error *error)
{
    if (generations->serving == NULL)
        return error_set(error, "the state has no generation that serves");
    for (const struct generation_entry *entry = generations->entries; entry != NULL; entry = entry->next) {
        if (entry->generation->number > generations->last_number)
            return error_set(error, "the state has a generation %u behind its last one", entry->generation->number);
    }
    add_to_succession(generations->supplies, generations->entries);
    generations->is_announced = true;
    return true;
}
