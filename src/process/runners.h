#ifndef FLEXILIB_PROCESS_RUNNERS_H
#define FLEXILIB_PROCESS_RUNNERS_H

/* The runners of a generation: processes that run isolated libraries for its workers. The first worker says which there
 * are; each worker asks for connections to them, of which one end is handed to it and the other to the runner. A runner
 * that dies is named and replaced, after a delay that grows; connections that are asked for meanwhile wait for the new
 * one. They end when the last worker has. What passes by the connections is none of the supervisor's business. */

#include "process/worker_process.h"

enum {
    RUNNERS_MOST = 64,      /* libraries */
    RUNNER_INSTANCES = 64,  /* of one */
    RUNNERS_PROCESSES = 256 /* in all */
};

struct generation;

/* The runner's end of a connection for which there is no process yet. */
struct runner_peer {
    int slot; /* of the worker */
    int fd;
};

struct runner_place {
    struct worker_process *process;
    unsigned quick_deaths;
    uint64_t start_us; /* when the next one starts; 0: not to be started */
    struct runner_peer *waiting;
    size_t waiting_count, waiting_capacity;
};

/* The processes of one library. */
struct runner_group {
    char *name; /* of the library; NULL: there are none of that number */
    unsigned count;
    unsigned deaths; /* of its processes so far */
    struct runner_place *places;
};

struct runners {
    struct runner_group groups[RUNNERS_MOST];
    unsigned process_count; /* places in all groups */
};

/* A worker wants a connection. Returns false where the message makes no sense. */
bool runners_on_request(struct generation *generation, struct worker_process *worker, const struct message *message);

/* As generation_step, generation_deadline and generation_bury. */
void runners_step(struct generation *generation, uint64_t now_us);
uint64_t runners_deadline(const struct generation *generation);
/* As generation_note_stop: who was stopped answers nobody, and does not watch over its calls either. */
void runners_note_stop(struct generation *generation, pid_t pid, bool is_stopped);
bool runners_bury(struct generation *generation, pid_t pid, int status);

/* What there is of that number (below RUNNERS_MOST). */
const struct runner_group *generation_runner(const struct generation *generation, unsigned number);

/* Ends all of them: as they like, or at once. No new one starts. */
void runners_drain(struct generation *generation);
void runners_kill(struct generation *generation);

/* How many processes of that library there are now. */
unsigned runner_group_count(const struct runner_group *group);

bool runners_are_empty(const struct generation *generation);

/* Frees what is left. */
void runners_finish(struct generation *generation);

/* For handing over: makes a group, or NULL where it does not fit; what a runner says. */
struct runner_group *runners_add_group(struct runners *runners, int64_t number, struct slice name, int64_t count);
/* Keeps a connection until there is a process; of one worker, the newest alone. */
void runner_place_keep(struct runner_place *place, int slot, int fd);
void runners_on_message(struct worker_process *process, const struct message *message);

#endif
