#include "process/supplies.h"

#include "process/limits.h"
#include "process/start_timeout.h"

#include <errno.h>
#include <string.h>

void supplies_init(struct supplies *supplies, const char *config)
{
    *supplies = (struct supplies){
        .config = config,
        .poller = {.epoll_fd = -1},
        .program = {.fd = -1},
        .slots = {.fd = -1},
        .servers = {.region.fd = -1},
        .tickets = {.fd = -1},
        .clients = {.fd = -1},
        .dictionary = {.fd = -1},
        .metrics = {.fd = -1},
        .supervision = {.fd = -1},
        .snapshots = {.lock_fd = -1},
    };
    watched_init(&supplies->watched, &supplies->poller);
    crash_policy_init(&supplies->crashes);
    refused_file_init(&supplies->refused_file, config);
    autopsies_init(&supplies->autopsies, &supplies->poller, &supplies->program);
}

bool supplies_begin(struct supplies *supplies, struct error *error)
{
    limits_raise_descriptors();
    limits_return_memory();
    supplies->start_timeout_ms = start_timeout_ms();
    supplies->call_timeout_ms = call_timeout_ms();
    memory_kills_init(&supplies->memory_kills);
    return poller_open(&supplies->poller) || error_set(error, "cannot watch for events: %s", strerror(errno));
}

bool supplies_open(struct supplies *supplies, struct error *error)
{
    if (!supplies_begin(supplies, error))
        return false;
    if (!program_open(&supplies->program))
        return error_set(error, "cannot open the program itself: %s (is /proc there?)", strerror(errno));
    return supplies_open_regions(supplies, error) && snapshots_open(&supplies->snapshots, error);
}

bool supplies_open_regions(struct supplies *supplies, struct error *error)
{
    bool are_open = (supplies->slots.fd != -1 || slots_open(&supplies->slots)) &&
                    (supplies->servers.region.fd != -1 || server_table_open(&supplies->servers)) &&
                    (supplies->tickets.fd != -1 || ticket_region_open(&supplies->tickets)) &&
                    (supplies->clients.fd != -1 || client_region_open(&supplies->clients)) &&
                    (supplies->dictionary.fd != -1 || dictionary_region_open(&supplies->dictionary)) &&
                    (supplies->metrics.fd != -1 || metrics_region_open(&supplies->metrics)) &&
                    (supplies->supervision.fd != -1 || supervision_region_open(&supplies->supervision));
    return are_open || error_set(error, "cannot make shared memory: %s%s", strerror(errno),
                                 errno == EFBIG ? " (the limit of file sizes, `ulimit -f`, counts for it too)" : "");
}

void supplies_close(struct supplies *supplies)
{
    autopsies_finish(&supplies->autopsies);
    listeners_close(&supplies->listeners);
    snapshots_close(&supplies->snapshots);
    watched_finish(&supplies->watched);
    refused_file_finish(&supplies->refused_file);
    crash_policy_finish(&supplies->crashes);
    poller_close(&supplies->poller);
    supervision_region_close(&supplies->supervision);
    metrics_region_close(&supplies->metrics);
    dictionary_region_close(&supplies->dictionary);
    client_region_close(&supplies->clients);
    ticket_region_close(&supplies->tickets);
    server_table_close(&supplies->servers);
    slots_close(&supplies->slots);
    program_close(&supplies->program);
}
