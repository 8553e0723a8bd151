#ifndef FLEXILIB_BASE_SUPERVISION_H
#define FLEXILIB_BASE_SUPERVISION_H

/* What the supervisor says of itself, in memory that it alone writes and all workers of all generations read: which
 * generation serves, whether the program is stopping, and how often what has happened since it started. Workers answer
 * `/readyz` and `/metrics` from it. Every value stands for itself, and is written and read at once; they are not of one
 * moment. Whoever owns an event calls the function for it here; nobody but the supervisor does. */

#include <stdbool.h>
#include <stdint.h>

enum {
    SUPERVISION_MAGIC = 0x464c5856, /* "FLXV" */
    SUPERVISION_VERSION = 2,
    SUPERVISION_TEXT_BYTES = 32,
};

enum supervision_reload {
    SUPERVISION_RELOAD_SUCCEEDED = 0,
    SUPERVISION_RELOAD_FAILED, /* the generation before goes on serving */
    SUPERVISION_RELOAD_UNCHANGED,
    SUPERVISION_RELOAD_ROLLED_BACK,
    SUPERVISION_RELOAD_COUNT,
};

enum supervision_crash {
    SUPERVISION_CRASH_SIGNAL = 0, /* a worker was killed by a signal that we have not sent */
    SUPERVISION_CRASH_EXIT,       /* it exited without being told to */
    SUPERVISION_CRASH_STUCK,      /* its loop stood still for too long, and we have killed it */
    SUPERVISION_CRASH_THREAD,     /* its loop's thread has ended under it */
    SUPERVISION_CRASH_RUNNER,     /* a runner, not a worker */
    SUPERVISION_CRASH_COUNT,
};

/* What has followed from a library that crashed again and again. */
enum supervision_loop {
    SUPERVISION_LOOP_ROLLED_BACK = 0,
    SUPERVISION_LOOP_QUARANTINED,
    SUPERVISION_LOOP_RESTARTING, /* nothing but that workers are replaced, as ever */
    SUPERVISION_LOOP_COUNT,
};

struct supervision {
    uint32_t magic, version;
    uint64_t size;
    char program_version[SUPERVISION_TEXT_BYTES]; /* NUL-terminated, within that room */
    uint64_t started_ms;                          /* wall clock */
    uint32_t generation;                          /* that serves, 0: none so far */
    uint32_t generations;                         /* that have processes: with those that start or drain */
    uint32_t is_stopping;
    uint32_t is_reload_known; /* whether the two below say anything */
    uint32_t last_reload;     /* enum supervision_reload */
    uint32_t has_starter;     /* start_server: when we stop, another program has the same sockets, most likely */
    uint64_t last_reload_ms;  /* wall clock */
    uint64_t reloads[SUPERVISION_RELOAD_COUNT];
    uint64_t crashes[SUPERVISION_CRASH_COUNT];
    uint64_t loops[SUPERVISION_LOOP_COUNT];
    uint32_t refused_libraries, quarantined_libraries; /* right now */
    uint64_t restarts;                                 /* of workers, after crashes */
    uint64_t blocked_turns; /* of workers' loops that stood still for longer than they should */
    uint64_t blocked_us;    /* how long, together */
};

/* For the supervisor, in zeros. */
void supervision_init(struct supervision *supervision, const char *program_version, uint64_t now_ms);

/* After an upgrade it is another one. */
void supervision_name_program(struct supervision *supervision, const char *program_version);

bool supervision_is_known(const struct supervision *supervision);

void supervision_show_generation(struct supervision *supervision, uint32_t generation);
void supervision_show_generations(struct supervision *supervision, uint32_t count);
void supervision_show_stopping(struct supervision *supervision);
void supervision_show_starter(struct supervision *supervision, bool has_starter);

/* A reload is over. Time of the wall clock. */
void supervision_count_reload(struct supervision *supervision, enum supervision_reload result, uint64_t now_ms);

void supervision_count_crash(struct supervision *supervision, enum supervision_crash kind);
void supervision_count_restart(struct supervision *supervision);
void supervision_count_loop(struct supervision *supervision, enum supervision_loop result);
void supervision_show_libraries(struct supervision *supervision, uint32_t refused, uint32_t quarantined);

/* A worker's loop has stood still for so long, once. */
void supervision_count_blocked(struct supervision *supervision, uint64_t blocked_us);

/* The same, where the stand goes on: its beginning is counted already. */
void supervision_add_blocked(struct supervision *supervision, uint64_t blocked_us);

/* The names for people and metrics: "succeeded", "signal". "" for numbers that are none. */
const char *supervision_reload_name(uint32_t result);
const char *supervision_crash_name(uint32_t kind);
const char *supervision_loop_name(uint32_t result);

#endif
