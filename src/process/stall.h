#ifndef FLEXILIB_PROCESS_STALL_H
#define FLEXILIB_PROCESS_STALL_H

/* Workers that do not come on: those whose event loop stands still, and those that start and wait too long for one
 * library to be loaded, or one filter to be created.
 *
 * A worker's watchdog tells of a loop that stands still (worker/watchdog.h): then it is counted, and the log says which
 * filter is to blame. Where the loop has not moved after `stuck_timeout`, the worker is replaced, whatever else it may
 * say. As a watchdog may be gone or stand still too, the supervisor looks by itself now and then whether a loop that
 * works has moved; and the kernel tells it of a process that was stopped. A worker that a debugger is attached to is
 * left alone, with a line in the log. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct generation;
struct message;
struct worker_process;

/* What BLOCKED says besides. */
enum {
    STALL_NEWS = 1,   /* the log has not heard of that hook for a while */
    STALL_RECORD = 2, /* there is a record of where the thread is */
    STALL_ENDED = 4,  /* the thread has ended */
    STALL_FLAGS = 7,
};

/* Of a worker process. */
struct stall {
    uint32_t beat;        /* of its loop, when it was looked at last */
    uint64_t since_us;    /* the loop stands still; 0: nobody knows that it does */
    uint64_t until_us;    /* then it is replaced, or asked first; 0: never */
    uint64_t counted_us;  /* of that time */
    bool is_told;         /* in the log */
    bool is_stopped;      /* the process */
    int64_t moved_ms;     /* how long it stood still that the log is still to be told of; 0: nothing */
    bool has_record;      /* of where the loop's thread is */
    bool is_asked;        /* once more, */
    uint32_t next_record; /* and the answer has this number, or a later one */
    /* While it starts: */
    uint32_t call_beat;     /* that shows when another library or filter has its turn */
    uint64_t call_since_us; /* it has not; 0: none has one */
    uint64_t call_look_us;  /* when to look next */
};

/* BLOCKED and MOVED came. Returns false where they make no sense. */
bool stall_note(struct worker_process *worker, const struct message *message) __attribute__((warn_unused_result));

/* The process was stopped by a signal, or goes on after that. */
void stall_note_stop(struct worker_process *worker, bool is_stopped);

/* Does what is due for the generation's workers. */
void stall_step(struct generation *generation, uint64_t now_us);

/* When that has something to do; 0: never. */
uint64_t stall_deadline(const struct generation *generation);

#endif
