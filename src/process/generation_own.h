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
    struct listen_options listen_options[GENERATION_LISTENERS]; /* in effect once it serves */
    struct log_file *logs[GENERATION_LOGS];
    unsigned wanted_count;
    char *user; /* whom the workers run as, or NULL */
    uint32_t uid, gid;
    int *servers; /* their numbers */
    size_t server_count, server_capacity;
    uint64_t server_bits[SERVER_STATES_COUNT / 64]; /* one for each number that it has */
    bool was_shortage_told;                         /* that some servers have none */
    struct text failure;
    bool is_refused;
};

/* Answers which numbers the servers have that a worker names. Returns false where the message makes no sense. */
bool generation_number_servers(struct generation *generation, struct worker_process *worker,
                               const struct message *message);

/* What a worker says. Anything out of order ends it. */
void generation_on_message(struct worker_process *worker, const struct message *message);

/* Notes why the generation cannot serve and ends its workers; the first reason stays. */
void generation_fail(struct generation *generation, const char *reason);

/* Gives back its servers' numbers. */
void generation_release_servers(struct generation *generation);

#endif
