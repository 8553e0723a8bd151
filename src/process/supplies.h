#ifndef FLEXILIB_PROCESS_SUPPLIES_H
#define FLEXILIB_PROCESS_SUPPLIES_H

/* What the supervisor owns and every generation and worker process uses. */

#include "process/client_region.h"
#include "process/listeners.h"
#include "process/logs.h"
#include "process/poller.h"
#include "process/program.h"
#include "process/server_table.h"
#include "process/slots.h"
#include "process/snapshots.h"
#include "process/ticket_region.h"
#include "process/wanted.h"

struct supplies {
    const char *config;       /* the file, as the operator named it */
    int64_t start_timeout_ms; /* how long a worker may take to be ready */
    struct poller poller;
    struct program program;
    struct listeners listeners;
    struct logs logs;
    struct slots slots;
    struct server_table servers;
    struct ticket_region tickets;
    struct client_region clients;
    struct snapshots snapshots;
    struct wanted wanted;
};

#endif
