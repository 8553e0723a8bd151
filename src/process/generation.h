#ifndef FLEXILIB_PROCESS_GENERATION_H
#define FLEXILIB_PROCESS_GENERATION_H

/* The workers that run one plan, from the first one's start until the last one's end. The first worker reads the
 * configuration and says how many there shall be; the others start from what it read. Until all are ready nobody
 * accepts, and if one fails all are ended. Whatever happens is noted here; the supervisor asks for the state after each
 * event and decides. */

#include "base/text.h"
#include "process/held_snapshot.h"
#include "process/supplies.h"

#include <sys/types.h>

enum generation_state {
    GENERATION_STARTING = 1,
    GENERATION_READY,    /* all workers wait for GO */
    GENERATION_SERVING,  /* crashed workers are replaced */
    GENERATION_DRAINING, /* accepts nothing any more */
    GENERATION_FAILED,   /* never served; its workers have been killed */
};

struct generation;

/* Makes generation number `number` and starts its first worker; where that cannot be, its state is FAILED. It is made
 * from a snapshot that is held, or, where from is NULL, from what is there now. */
struct generation *generation_create(struct supplies *supplies, unsigned number, struct held_snapshot *from);

/* Frees it, releases its listeners, logs and snapshot. Only once it is empty. */
void generation_destroy(struct generation *generation);

/* Does what is due: starts siblings and replacements, acts on deadlines. */
void generation_step(struct generation *generation, uint64_t now_us);

/* When generation_step has something to do without an event; 0: never. */
uint64_t generation_deadline(const struct generation *generation);

/* Takes note of a process that ended. Returns false where it is none of this generation's. */
bool generation_bury(struct generation *generation, pid_t pid, int status);

/* Takes note of a process that was stopped by a signal, or goes on. */
void generation_note_stop(struct generation *generation, pid_t pid, bool is_stopped);

/* READY to SERVING. */
void generation_go(struct generation *generation);

/* Lets the workers finish what they have begun; connections without a request are kept for idle_ms (-1: as ever, and
 * the workers keep to their settings' times for a drain). timeout_ms -1: without limit. Called again, both only
 * shorten. is_last: no other generation accepts, so that what waits to be accepted is theirs too. */
void generation_drain(struct generation *generation, int64_t timeout_ms, int64_t idle_ms, bool is_last);

/* Has the workers drop what they are doing, and kills those that do not. */
void generation_cut(struct generation *generation);

/* Ends one that does not serve yet, for a reason of the supervisor's; with a sentence where what it runs is to blame.
 */
void generation_abandon(struct generation *generation);
void generation_refuse(struct generation *generation, const char *reason);

/* Hands the workers their logs anew, after logs_reopen. */
void generation_reopen_logs(struct generation *generation);

enum generation_state generation_state(const struct generation *generation);
unsigned generation_number(const struct generation *generation);
uint64_t generation_began_us(const struct generation *generation); /* monotonic */
unsigned generation_worker_count(const struct generation *generation);

/* No process of it is left, and nobody looks any more at how one has died. */
bool generation_is_empty(const struct generation *generation);

/* No worker of it accepts connections any more. */
bool generation_has_stopped(const struct generation *generation);

/* What it was made from; the caller may use it on. */
struct held_snapshot *generation_snapshot(const struct generation *generation);

/* The numbers of its servers, in the order of the configuration; count says how many. Valid until it is destroyed, and
 * while it serves. */
const int *generation_servers(const struct generation *generation, size_t *count);
bool generation_has_server(const struct generation *generation, int number);

/* Says what its settings say about watching files, and whether it has told of all that it uses; a generation that was
 * made from a snapshot has not. Returns false where it has told nothing at all. */
bool generation_tells_watch(const struct generation *generation, enum watch_mode *mode, bool *tells_sights);

/* Why it failed, in one or several lines; and whether the configuration is to blame, rather than a crash. */
const char *generation_failure(const struct generation *generation);
bool generation_is_refused(const struct generation *generation);

/* What the settings say about draining. */
int64_t generation_drain_timeout_ms(const struct generation *generation);
int64_t generation_shutdown_timeout_ms(const struct generation *generation);
unsigned generation_max_generations(const struct generation *generation);
int64_t generation_shutdown_delay_ms(const struct generation *generation);

#endif
