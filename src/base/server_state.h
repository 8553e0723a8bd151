#ifndef FLEXILIB_BASE_SERVER_STATE_H
#define FLEXILIB_BASE_SERVER_STATE_H

/* What all workers know together about the servers of upstreams: a region of shared memory that outlives generations.
 * Each server has a number in it, which the supervisor gives for the names of upstream and server. Workers read and
 * write it by atomic operations without locks; a value that makes no sense does no more harm than a wrong choice among
 * servers. The supervisor writes by server_state_drain and server_state_make_ready alone, and trusts nothing. Times are
 * milliseconds of CLOCK_MONOTONIC, which all processes share. */

#include <stddef.h>
#include <stdint.h>

enum {
    SERVER_STATES_COUNT = 4096,
    SERVER_STATES_MAGIC = 0x464c5853, /* "FLXS" */
    SERVER_STATES_VERSION = 2,
    /* Workers that count in shared memory; one whose slot has a higher number counts for itself. */
    SERVER_COUNT_ROWS = 1024,
};

enum server_check {
    SERVER_CHECK_NONE = 0, /* not checked so far: taken as good */
    SERVER_CHECK_GOOD,
    SERVER_CHECK_BAD,
};

struct server_state {
    uint32_t is_drained;        /* by hand: gets no new requests */
    uint32_t check;             /* enum server_check */
    uint32_t checks_in_a_row;   /* that say the opposite of check */
    uint32_t failures_in_a_row; /* of requests */
    uint32_t ejections;         /* how often it was put out without having stood in between */
    uint32_t generation;        /* the newest that has the server */
    uint64_t ejected_until_ms;
    uint64_t recovered_ms;  /* when it came back, for its slow start; 0: it was never away */
    uint64_t next_check_ms; /* whoever moves it forward does the check */
    uint64_t slow_start_ms; /* as the newest generation has it: for whoever knows no settings */
    uint64_t waiting;       /* of an upstream's first server: who waits longest, see net/queue_mark.h */
};

/* What one worker has under way with one server. The worker writes its own; when it dies, the supervisor clears them.
 */
struct server_count {
    uint32_t requests, connections;
};

struct server_states {
    uint32_t magic;
    uint32_t version;
    uint64_t size;
    uint32_t rows_used; /* rows from here on were never used */
    uint32_t spare[11];
    struct server_state states[SERVER_STATES_COUNT];
    /* Touched only for servers whose requests or connections have to be counted, so that the rest costs no memory. */
    struct server_count counts[SERVER_STATES_COUNT][SERVER_COUNT_ROWS];
};

enum {
    SERVER_STATE_TEXT_BYTES = 48, /* room for what server_state_describe writes */
};

/* Takes the server out by hand, and lets it in again, where it starts slowly. */
void server_state_drain(struct server_state *state);
void server_state_make_ready(struct server_state *state, uint64_t now_ms);

/* Writes how the server stands, for people: "ready", "draining", "unhealthy", "ejected (8 s left)" or "starting". */
void server_state_describe(const struct server_state *state, uint64_t now_ms, char text[SERVER_STATE_TEXT_BYTES]);

#endif
