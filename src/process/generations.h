#ifndef FLEXILIB_PROCESS_GENERATIONS_H
#define FLEXILIB_PROCESS_GENERATIONS_H

/* All generations that have processes left: the one that serves, one that may be starting, and older ones that drain.
 * Knows how one takes over from another, and what to do for all of them. Which one starts when, and why, is decided in
 * reloads.h. */

#include "process/generation.h"

struct generation_entry {
    struct generation_entry *next;
    struct generation *generation;
};

struct generations {
    struct supplies *supplies;
    struct generation_entry *entries; /* the newest first */
    struct generation *starting, *serving;
    unsigned last_number;
    bool is_announced;           /* that serving serves */
    uint64_t announce_until_us;  /* without waiting for the old one any longer */
    int64_t shutdown_timeout_ms; /* of the generation that served last */
};

void generations_init(struct generations *generations, struct supplies *supplies);

/* Starts the next one, from what is there now or from a snapshot; only while none is starting. */
void generations_start(struct generations *generations, struct held_snapshot *from);

/* The starting one is ready and takes over from the serving one, which drains. */
void generations_promote(struct generations *generations);

/* Says that the serving one serves, once nobody else accepts any more or that takes too long: whoever reads it may
 * count on the new one. Returns whether it has said so now. */
bool generations_announce(struct generations *generations, uint64_t now_us);

/* No generation but the serving one accepts connections any more. */
bool generations_have_stopped(const struct generations *generations);

struct generations_draining {
    unsigned generations, workers;
    unsigned busy_generations; /* with requests under way, not with idle connections and tunnels alone */
};

struct generations_draining generations_count_draining(const struct generations *generations);

/* Lets all finish what they have begun, within timeout_ms (-1: without limit), or has them drop it. Nobody serves from
 * then on. */
void generations_drain(struct generations *generations, int64_t timeout_ms);
void generations_cut(struct generations *generations);

/* Takes note of a process that ended, whosoever it is. */
void generations_bury(struct generations *generations, pid_t pid, int status);

/* Asks the kernel which processes were stopped by a signal, or go on. */
void generations_note_stops(struct generations *generations);

void generations_reopen_logs(struct generations *generations);

/* Does what is due for each. */
void generations_step(struct generations *generations, uint64_t now_us);

/* Frees those that are over. */
void generations_remove_finished(struct generations *generations);

/* When there is something to do without an event. */
uint64_t generations_deadline(const struct generations *generations);

#endif
