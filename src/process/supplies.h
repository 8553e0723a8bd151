#ifndef FLEXILIB_PROCESS_SUPPLIES_H
#define FLEXILIB_PROCESS_SUPPLIES_H

/* What the supervisor owns and every generation and worker process uses. */

#include "process/autopsies.h"
#include "process/client_region.h"
#include "process/crash_policy.h"
#include "process/dictionary_region.h"
#include "process/listeners.h"
#include "process/logs.h"
#include "process/memory_kills.h"
#include "process/metrics_region.h"
#include "process/poller.h"
#include "process/program.h"
#include "process/refused_file.h"
#include "process/server_table.h"
#include "process/slots.h"
#include "process/snapshots.h"
#include "process/succession.h"
#include "process/supervision_region.h"
#include "process/ticket_region.h"
#include "process/watched.h"

struct supplies {
    const char *config;       /* the file, as the operator named it */
    bool is_without_filters;  /* the operator wants no library loaded */
    int64_t start_timeout_ms; /* how long a worker may take to be ready, */
    int64_t call_timeout_ms;  /* and a library to be loaded, or a filter to be created */
    struct poller poller;
    struct program program;
    struct listeners listeners;
    struct logs logs;
    struct slots slots;
    struct server_table servers;
    struct ticket_region tickets;
    struct client_region clients;
    struct dictionary_region dictionary;
    struct metrics_region metrics;
    struct supervision_region supervision;
    struct snapshots snapshots;
    struct watched watched;
    struct crash_policy crashes;
    struct refused_file refused_file;
    struct succession succession;
    struct autopsies autopsies;
    struct memory_kills memory_kills;
};

/* config must outlive it. */
void supplies_init(struct supplies *supplies, const char *config);

/* Opens all but listeners and logs, which generations ask for. */
bool supplies_open(struct supplies *supplies, struct error *error) __attribute__((warn_unused_result));

/* The two halves of that for who takes the rest over from a supervisor before us: what is never handed over, and those
 * regions that are not open yet. */
bool supplies_begin(struct supplies *supplies, struct error *error) __attribute__((warn_unused_result));
bool supplies_open_regions(struct supplies *supplies, struct error *error) __attribute__((warn_unused_result));
void supplies_close(struct supplies *supplies);

#endif
