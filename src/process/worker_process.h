#ifndef FLEXILIB_PROCESS_WORKER_PROCESS_H
#define FLEXILIB_PROCESS_WORKER_PROCESS_H

/* One worker as the supervisor sees it: a process, its channel, the pipes of its standard output and error, and its
 * slot. Knows how to start and end one; what its messages mean is its generation's business. */

#include "process/channel.h"
#include "process/console.h"
#include "process/obituary.h"
#include "process/role.h"
#include "process/stall.h"
#include "process/supplies.h"

enum worker_state {
    WORKER_STARTING = 1,
    WORKER_READY,    /* waits for GO */
    WORKER_SERVING,  /* was told GO */
    WORKER_DRAINING, /* was told DRAIN */
    WORKER_CUT,      /* was told CUT */
    WORKER_KILLED,   /* was sent SIGKILL by us */
};

struct worker_output {
    struct worker_process *worker;
    struct poller_watch watch;
    struct console_lines lines;
};

struct worker_process {
    enum worker_state state;
    pid_t pid;
    struct supplies *supplies;
    int slot;
    uint32_t number;      /* its place in the generation */
    bool is_first;        /* of its generation: says what there is, and its siblings get the same */
    bool has_greeted;     /* HELLO came */
    bool is_loading;      /* LOADING came: code of libraries may speak for it */
    bool is_waiting;      /* WAITING came: its filters have more time to get ready */
    bool has_stopped;     /* STOPPED came */
    bool is_dead;         /* waitpid told */
    uint64_t started_us;  /* monotonic */
    uint64_t deadline_us; /* when its generation has to do something about it; 0: never */
    char *failure;        /* what FAILED said, or NULL */
    bool is_death_told;   /* by whoever has killed it */
    struct stall stall;
    struct heir heir;
    struct poller_watch channel;
    struct worker_output output, errors;
    void (*on_message)(struct worker_process *worker, const struct message *message);
    void *data;
};

/* Starts a worker. role's slot and program are filled in here. Returns NULL with errno set. */
struct worker_process *
worker_process_start(struct supplies *supplies, struct role *role,
                     void (*on_message)(struct worker_process *worker, const struct message *message), void *data);

/* The two halves of that for who takes a worker over that runs already: one without a process, and the descriptors of
 * its channel, output and errors, -1 for what has ended, which pass over. Returns false with errno set. */
struct worker_process *
worker_process_create(struct supplies *supplies,
                      void (*on_message)(struct worker_process *worker, const struct message *message), void *data);
bool worker_process_watch(struct worker_process *worker, const int fds[3]) __attribute__((warn_unused_result));

/* Sends a message; the others make one that is only a word, or one with numbers and a descriptor. A worker whose
 * channel is full or gone is killed. */
void worker_process_send(struct worker_process *worker, const struct message *message);
void worker_process_tell(struct worker_process *worker, enum message_kind kind);
void worker_process_hand(struct worker_process *worker, enum message_kind kind, int64_t first, int64_t second, int fd);

void worker_process_answer(struct worker_process *worker, enum message_kind kind, int64_t first, struct slice text);

/* Ends it at once. */
void worker_process_kill(struct worker_process *worker);

/* After waitpid: passes on what it wrote last, and tells what is known about its end. */
void worker_process_bury(struct worker_process *worker, unsigned generation, int status, struct death *death);

/* Frees what is left of it. NULL is fine. */
void worker_process_destroy(struct worker_process *worker);

/* The state's name for logs. */
const char *worker_state_name(enum worker_state state);

#endif
