#ifndef FLEXILIB_PROCESS_GENERATION_OWN_H
#define FLEXILIB_PROCESS_GENERATION_OWN_H

/* What the files generation*.c share. */

#include "process/generation.h"
#include "process/runners.h"
#include "process/worker_process.h"

enum {
    GENERATION_LISTENERS = CHANNEL_ADMIN + 1,
    GENERATION_LOGS = 8,
    GENERATION_WORKERS = 512,
    GENERATION_WATCHES = 32768,
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
    uint64_t began_us;
    struct supplies *supplies;
    struct held_snapshot *snapshot;
    struct worker_place *places;
    unsigned count;                  /* of places */
    bool is_read;                    /* the first worker has told what the settings say */
    int64_t stuck_timeout_ms;        /* 0: none */
    uint64_t look_us, look_every_us; /* at workers' loops, next; 0: not yet */
    int64_t drain_timeout_ms, shutdown_timeout_ms, shutdown_delay_ms;
    unsigned max_generations; /* that may have requests left before a reload waits */
    struct listener *listeners[GENERATION_LISTENERS];
    struct listen_options listen_options[GENERATION_LISTENERS]; /* in effect once it serves */
    struct log_file *logs[GENERATION_LOGS];
    unsigned watch_count;
    bool tells_watch;  /* the first worker has told what the settings say of that, */
    bool tells_sights; /* and what it sees */
    enum watch_mode watch;
    int *servers; /* their numbers */
    size_t server_count, server_capacity;
    uint64_t server_bits[SERVER_STATES_COUNT / 64]; /* one for each number that it has */
    bool was_shortage_told;                         /* that some servers have none */
    LIST_ENTRY(generation) succession_entry;
    char *exclusive;         /* names of filters that cannot be created while an older worker has one; NULL: none */
    uint64_t quiet_until_us; /* by then older workers have given up what they own; 0: nobody waits for that */
    struct runners runners;
    struct text failure;
    bool is_in_trouble; /* that it fails says nothing about the configuration */
    bool is_refused;
};

/* Answers which numbers the servers have that a worker names. Returns false where the message makes no sense. */
bool generation_number_servers(struct generation *generation, struct worker_process *worker,
                               const struct message *message);

/* What a worker says. Anything out of order ends it. */
void generation_on_message(struct worker_process *worker, const struct message *message);

/* Notes why the generation cannot serve and ends its workers; the first reason stays. */
void generation_fail(struct generation *generation, const char *reason);

/* Notes that it has the server of that number. Returns false where it has it already. */
bool generation_add_server(struct generation *generation, int number);

/* Finds out who is to blame. */
void generation_judge_death(const struct generation *generation, struct death *death);

/* Writes it to the log, with a backtrace as soon as there is one. */
void generation_report_death(struct generation *generation, const struct worker_process *worker,
                             const struct death *death);

/* The same where the generation is not in service yet: it fails as a whole, and is reported so. */
void generation_mourn(struct generation *generation, const struct death *death);

/* How long to wait before somebody is replaced who had so many short-lived predecessors in a row. */
uint64_t generation_delay_after(unsigned quick_deaths);

/* No worker of it is left, nor will there be one. */
bool generation_has_ended(const struct generation *generation);

/* Gives back its servers' numbers. */
void generation_release_servers(struct generation *generation);

#endif
