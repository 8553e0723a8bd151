#ifndef FLEXILIB_PROCESS_GENERATION_OWN_H
#define FLEXILIB_PROCESS_GENERATION_OWN_H

/* What generation.c and generation_requests.c share. */

#include "process/generation.h"
#include "process/worker_process.h"

enum {
    GENERATION_LISTENERS = 256,
    GENERATION_LOGS = 8,
    GENERATION_WORKERS = 512,
    GENERATION_WANTED = 256,
};

/* Where one worker stands, and its successors after a crash. */
struct worker_place {
    struct worker_process *worker;
    unsigned quick_deaths;
    uint64_t start_us; /* when the next one starts; 0: not to be started */
};

struct generation {
    enum generation_state state;
    unsigned number;
    struct supplies *supplies;
    char *snapshot;
    struct worker_place *places;
    unsigned count; /* of places */
    bool is_read;   /* the first worker has told what the settings say */
    int64_t drain_timeout_ms, shutdown_timeout_ms;
    struct listener *listeners[GENERATION_LISTENERS];
    struct log_file *logs[GENERATION_LOGS];
    unsigned wanted_count;
    char *user; /* whom the workers run as, or NULL */
    uint32_t uid, gid;
    struct text failure;
    bool is_refused;
};

/* What a worker says. Anything out of order ends it. */
void generation_on_message(struct worker_process *worker, const struct message *message);

/* Notes why the generation cannot serve and ends its workers; the first reason stays. */
void generation_fail(struct generation *generation, const char *reason);

#endif
