#include "process/handover_supplies.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A region, by the name that stands in its record; number is what its supervisor knows beside it. */
struct region {
    const char *name;
    int fd;
    uint64_t number;
};

static void add_regions(struct handover *handover, const struct supplies *supplies)
{
    const struct region regions[] = {
        {"slots", supplies->slots.fd, SLOT_VERSION},
        {"servers", supplies->servers.region.fd, supplies->servers.region.rows_used},
        {"tickets", supplies->tickets.fd, supplies->tickets.rotate_at_us},
        {"clients", supplies->clients.fd, supplies->clients.rows_used},
        {"dictionary", supplies->dictionary.fd, 0},
        {"metrics", supplies->metrics.fd, supplies->metrics.rows_used},
        {"supervision", supplies->supervision.fd, 0},
    };
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); ++i) {
        handover_add_record(handover, "region");
        handover_add_text(handover, regions[i].name);
        handover_add_fd(handover, regions[i].fd);
        handover_add_unsigned(handover, regions[i].number);
    }
}

static void add_options(struct handover *handover, const struct listen_options *options)
{
    handover_add_number(handover, options->backlog);
    handover_add_number(handover, options->mode);
    handover_add_number(handover, options->owner);
    handover_add_number(handover, options->group);
}

static void add_listeners(struct handover *handover, const struct listeners *listeners)
{
    for (const struct listener *listener = listeners->first; listener != NULL; listener = listener->next) {
        struct text address = TEXT_INIT;
        address_print(&listener->address, &address);
        handover_add_record(handover, "listener");
        handover_add_text(handover, listener->key);
        handover_add_fd(handover, listener->fd);
        handover_add_slice(handover, text_slice(&address));
        handover_add_number(handover, listener->is_inherited);
        handover_add_number(handover, listener->was_told);
        handover_add_unsigned(handover, listener->device);
        handover_add_unsigned(handover, listener->inode);
        handover_add_number(handover, listener->made.tv_sec);
        handover_add_number(handover, listener->made.tv_nsec);
        add_options(handover, &listener->options);
        text_finish(&address);
    }
}

static void add_logs(struct handover *handover, const struct logs *logs)
{
    for (const struct log_file *log = logs->first; log != NULL; log = log->next) {
        handover_add_record(handover, "log");
        handover_add_text(handover, log->path);
        handover_add_fd(handover, log->fd);
    }
}

static void add_servers(struct handover *handover, const struct server_table *table)
{
    for (size_t i = 0; i < table->count; ++i) {
        const struct server_entry *entry = table->entries[i];
        if (entry == NULL)
            continue;
        handover_add_record(handover, "server");
        handover_add_number(handover, (int64_t)i);
        handover_add_slice(handover, entry->upstream);
        handover_add_slice(handover, entry->url);
        handover_add_number(handover, entry->is_drained);
    }
}

static void add_watched_file(void *data, const struct watched_sight *sight, unsigned generation)
{
    struct handover *handover = data;
    handover_add_record(handover, "watched-file");
    handover_add_number(handover, sight->kind);
    handover_add_slice(handover, sight->path);
    handover_add_unsigned(handover, sight->content);
    handover_add_unsigned(handover, sight->status);
    handover_add_number(handover, generation);
}

static void add_refused(void *data, struct slice library, struct slice hash)
{
    struct handover *handover = data;
    handover_add_record(handover, "refused-library");
    handover_add_slice(handover, library);
    handover_add_slice(handover, hash);
}

/* The oldest first. */
static void add_crashes(struct handover *handover, const struct crash_policy *policy)
{
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i) {
        const struct recent_crash *crash = &policy->recent[(policy->next + i) % CRASH_POLICY_RECENT];
        if (crash->library == NULL)
            continue;
        handover_add_record(handover, "recent-crash");
        handover_add_number(handover, crash->generation);
        handover_add_text(handover, crash->library);
        handover_add_unsigned(handover, crash->at_us);
    }
    for (const struct crashing_library *library = policy->quarantined; library != NULL; library = library->next) {
        handover_add_record(handover, "quarantined");
        handover_add_number(handover, library->generation);
        handover_add_text(handover, library->path);
    }
    for (const struct crashing_library *library = policy->going_on; library != NULL; library = library->next) {
        handover_add_record(handover, "crashing");
        handover_add_number(handover, library->generation);
        handover_add_text(handover, library->path);
        handover_add_number(handover, library->loops);
        handover_add_unsigned(handover, library->last_us);
    }
}

void handover_supplies_add(struct handover *handover, const struct supplies *supplies, const struct program *next)
{
    handover_add_record(handover, "program");
    handover_add_text(handover, next->origin);
    handover_add_text(handover, next->path);
    handover_add_record(handover, "snapshots");
    handover_add_text(handover, supplies->snapshots.folder);
    handover_add_fd(handover, supplies->snapshots.lock_fd);
    add_regions(handover, supplies);
    add_listeners(handover, &supplies->listeners);
    add_logs(handover, &supplies->logs);
    add_servers(handover, &supplies->servers);
    handover_add_record(handover, "watched");
    handover_add_number(handover, supplies->watched.mode);
    watched_each(&supplies->watched, add_watched_file, handover);
    crash_policy_each_refused(&supplies->crashes, add_refused, handover);
    add_crashes(handover, &supplies->crashes);
}

static void take_program(struct handover_reader *reader, struct supplies *supplies)
{
    char *origin = handover_need_text(reader);
    char *path = handover_need_text(reader);
    if (supplies->program.fd != -1)
        handover_refuse(reader, "it stands there twice");
    if (handover_end_record(reader) && program_open_again(&supplies->program, origin, path))
        return;
    free(origin);
    free(path);
    if (!reader->error->is_set)
        error_set(reader->error, "cannot open the program itself: %s", strerror(errno));
}

static void take_snapshots(struct handover_reader *reader, struct supplies *supplies)
{
    struct stat status;
    char *folder = handover_need_text(reader);
    int lock_fd = handover_need_fd(reader);
    if (supplies->snapshots.folder != NULL || (!reader->error->is_set && fstat(lock_fd, &status) == -1) ||
        !handover_end_record(reader) || !S_ISDIR(status.st_mode)) {
        handover_refuse(reader, "that is no folder, or a second one");
        free(folder);
        return;
    }
    supplies->snapshots = (struct snapshots){.folder = folder, .lock_fd = lock_fd};
}

/* Those that no adopter has taken are of another version. */
static bool take_slots(struct supplies *supplies, const struct region *region)
{
    if (slots_adopt(&supplies->slots, region->fd, (int64_t)region->number))
        return true;
    close(region->fd);
    return slots_open(&supplies->slots);
}

static bool take_server_region(struct supplies *supplies, const struct region *region)
{
    struct server_region *servers = &supplies->servers.region;
    if (region->number <= SERVER_COUNT_ROWS && server_region_adopt(servers, region->fd, (uint32_t)region->number))
        return true;
    close(region->fd);
    return server_region_open(servers);
}

static bool take_tickets(struct supplies *supplies, const struct region *region)
{
    return ticket_region_adopt(&supplies->tickets, region->fd, region->number);
}

static bool take_clients(struct supplies *supplies, const struct region *region)
{
    if (region->number <= CLIENT_COUNT_ROWS &&
        client_region_adopt(&supplies->clients, region->fd, (uint32_t)region->number))
        return true;
    close(region->fd);
    return client_region_open(&supplies->clients);
}

static bool take_dictionary(struct supplies *supplies, const struct region *region)
{
    if (dictionary_region_adopt(&supplies->dictionary, region->fd))
        return true;
    close(region->fd);
    return dictionary_region_open(&supplies->dictionary);
}

static bool take_metrics(struct supplies *supplies, const struct region *region)
{
    if (region->number <= METRICS_ROWS &&
        metrics_region_adopt(&supplies->metrics, region->fd, (uint32_t)region->number))
        return true;
    close(region->fd);
    return metrics_region_open(&supplies->metrics);
}

static bool take_supervision(struct supplies *supplies, const struct region *region)
{
    return supervision_region_adopt(&supplies->supervision, region->fd);
}

struct region_kind {
    const char *name;
    bool (*take)(struct supplies *supplies, const struct region *region);
    const int *fd; /* where it stands when it was taken */
};

static void take_region(struct handover_reader *reader, struct supplies *supplies)
{
    const struct region_kind kinds[] = {
        {"slots", take_slots, &supplies->slots.fd},
        {"servers", take_server_region, &supplies->servers.region.fd},
        {"tickets", take_tickets, &supplies->tickets.fd},
        {"clients", take_clients, &supplies->clients.fd},
        {"dictionary", take_dictionary, &supplies->dictionary.fd},
        {"metrics", take_metrics, &supplies->metrics.fd},
        {"supervision", take_supervision, &supplies->supervision.fd},
    };
    char *name = handover_need_text(reader);
    struct region region = {.fd = handover_need_fd(reader), .number = handover_take_unsigned(reader)};
    const struct region_kind *kind = NULL;
    for (size_t i = 0; handover_end_record(reader) && i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        if (strcmp(kinds[i].name, name) == 0)
            kind = &kinds[i];
    }
    if (kind == NULL || *kind->fd != -1)
        handover_refuse(reader, "that is no region, or a second one");
    else if (!kind->take(supplies, &region))
        error_set(reader->error, "cannot map the region %s: %s", name, strerror(errno));
    free(name);
}

static void take_options(struct handover_reader *reader, struct listen_options *options)
{
    options->backlog = (int)handover_take_number(reader, 0, INT32_MAX);
    options->mode = (int)handover_take_number(reader, -1, 0777);
    options->owner = handover_take_number(reader, -1, UINT32_MAX);
    options->group = handover_take_number(reader, -1, UINT32_MAX);
}

static void take_listener(struct handover_reader *reader, struct supplies *supplies)
{
    struct listener listener = {.key = handover_need_text(reader), .fd = handover_need_fd(reader)};
    struct slice address = handover_take_slice(reader);
    listener.is_inherited = handover_take_bool(reader);
    listener.was_told = handover_take_bool(reader);
    listener.device = handover_take_unsigned(reader);
    listener.inode = handover_take_unsigned(reader);
    listener.made.tv_sec = handover_take_number(reader, INT64_MIN, INT64_MAX);
    listener.made.tv_nsec = handover_take_number(reader, 0, 999999999);
    take_options(reader, &listener.options);
    if (!handover_end_record(reader) || !address_parse(address, &listener.address) ||
        !listeners_restore(&supplies->listeners, &listener)) {
        handover_refuse(reader, "that is no listening socket");
        free(listener.key);
    }
    free((char *)(uintptr_t)address.data);
}

static void take_log(struct handover_reader *reader, struct supplies *supplies)
{
    char *path = handover_need_text(reader);
    int fd = handover_need_fd(reader);
    if (handover_end_record(reader) && handover_find_log(supplies, path) == NULL)
        logs_restore(&supplies->logs, path, fd);
    else
        handover_refuse(reader, "it stands there twice");
    free(path);
}

static void take_server(struct handover_reader *reader, struct supplies *supplies)
{
    int number = (int)handover_take_number(reader, 0, SERVER_STATES_COUNT - 1);
    struct slice upstream = handover_take_slice(reader);
    struct slice url = handover_take_slice(reader);
    bool is_drained = handover_take_bool(reader);
    if (!handover_end_record(reader) || supplies->servers.region.states == NULL ||
        !server_table_restore(&supplies->servers, number, upstream, url, is_drained))
        handover_refuse(reader, "that is no server, or a second one");
    free((char *)(uintptr_t)upstream.data);
    free((char *)(uintptr_t)url.data);
}

static void take_watched(struct handover_reader *reader, struct supplies *supplies)
{
    supplies->watched.mode = (enum watch_mode)handover_take_number(reader, WATCH_OFF, WATCH_ALL);
    (void)!handover_end_record(reader);
}

static void take_watched_file(struct handover_reader *reader, struct supplies *supplies)
{
    struct watched_sight sight = {
        .kind = (enum watch_kind)handover_take_number(reader, WATCH_LIBRARY, WATCH_PATTERN),
    };
    char *path = handover_need_text(reader);
    sight.content = handover_take_unsigned(reader);
    sight.status = handover_take_unsigned(reader);
    unsigned generation = (unsigned)handover_take_number(reader, 0, INT32_MAX);
    if (handover_end_record(reader) && path[0] == '/') {
        sight.path = slice_from_text(path);
        watched_add(&supplies->watched, &sight, generation);
    } else {
        handover_refuse(reader, "that is no path");
    }
    free(path);
}

static void take_refused(struct handover_reader *reader, struct supplies *supplies)
{
    struct slice library = handover_take_slice(reader);
    struct slice hash = handover_take_slice(reader);
    if (handover_end_record(reader))
        crash_policy_refuse(&supplies->crashes, library, hash);
    free((char *)(uintptr_t)library.data);
    free((char *)(uintptr_t)hash.data);
}

static void take_recent_crash(struct handover_reader *reader, struct supplies *supplies)
{
    unsigned generation = (unsigned)handover_take_number(reader, 1, INT32_MAX);
    char *library = handover_need_text(reader);
    uint64_t at_us = handover_take_unsigned(reader);
    if (handover_end_record(reader))
        crash_policy_remember(&supplies->crashes, generation, slice_from_text(library), at_us);
    free(library);
}

static void take_quarantined(struct handover_reader *reader, struct supplies *supplies)
{
    unsigned generation = (unsigned)handover_take_number(reader, 1, INT32_MAX);
    char *library = handover_need_text(reader);
    if (handover_end_record(reader))
        crash_policy_quarantine(&supplies->crashes, generation, slice_from_text(library));
    free(library);
}

static void take_crashing(struct handover_reader *reader, struct supplies *supplies)
{
    unsigned generation = (unsigned)handover_take_number(reader, 1, INT32_MAX);
    char *library = handover_need_text(reader);
    unsigned loops = (unsigned)handover_take_number(reader, 1, INT32_MAX);
    uint64_t last_us = handover_take_unsigned(reader);
    if (handover_end_record(reader))
        crash_policy_go_on(&supplies->crashes, generation, slice_from_text(library), loops, last_us);
    free(library);
}

bool handover_supplies_take(struct handover_reader *reader, struct supplies *supplies)
{
    static const struct {
        const char *word;
        void (*take)(struct handover_reader *reader, struct supplies *supplies);
    } records[] = {
        {"program", take_program},         {"snapshots", take_snapshots},
        {"region", take_region},           {"recent-crash", take_recent_crash},
        {"quarantined", take_quarantined}, {"crashing", take_crashing},
        {"watched", take_watched},         {"watched-file", take_watched_file},
        {"listener", take_listener},       {"log", take_log},
        {"server", take_server},           {"refused-library", take_refused},
    };
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); ++i) {
        if (!handover_is(reader, records[i].word))
            continue;
        records[i].take(reader, supplies);
        return true;
    }
    return false;
}

bool handover_supplies_complete(struct supplies *supplies, struct error *error)
{
    if (supplies->program.fd == -1 || supplies->snapshots.folder == NULL)
        return error_set(error, "the state lacks the program, or the folder of snapshots");
    return supplies_open_regions(supplies, error);
}

struct listener *handover_find_listener(const struct supplies *supplies, int fd)
{
    struct listener *listener = supplies->listeners.first;
    while (listener != NULL && listener->fd != fd)
        listener = listener->next;
    return listener;
}

struct log_file *handover_find_log(const struct supplies *supplies, const char *path)
{
    struct log_file *log = supplies->logs.first;
    while (log != NULL && strcmp(log->path, path) != 0)
        log = log->next;
    return log;
}
