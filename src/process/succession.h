#ifndef FLEXILIB_PROCESS_SUCCESSION_H
#define FLEXILIB_PROCESS_SUCCESSION_H

/* Which generation has what can be owned once: the port of a library, say. Workers of a new generation that need such a
 * thing ask for it (EXCLUSIVE) when everything else is ready. When all of them have come so far, the workers of all
 * older generations are told to give it up (QUIESCE), and when all those have answered, the new ones go on (QUIET). If
 * the new generation fails before it serves, and its last process is gone, the older workers are told so (WAKE).
 *
 * A worker that replaces a crashed one asks too. It is answered at once, unless its generation has given up what it
 * would take. Nothing here is believed: names are handed on as they came, and time is limited. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct generation;
struct message;
struct worker_process;

struct succession {
    LIST_HEAD(succession_generations, generation) generations; /* all that have processes, or are about to */
    struct generation *successor;                              /* for which others are quiet; NULL: none */
};

/* Of a worker process. */
struct heir {
    bool is_asking; /* EXCLUSIVE came, and was not answered yet */
    bool has_leave; /* it was */
    bool is_quiet;  /* QUIESCED came for that generation: */
    unsigned told;  /* the number of the one that it was told to be quiet for last; 0: none */
};

/* A generation is known from its making to its end. */
void succession_add(struct succession *succession, struct generation *generation);
void succession_remove(struct succession *succession, struct generation *generation);

/* Does what is due, after anything has happened. */
void succession_step(struct succession *succession, uint64_t now_us);

/* EXCLUSIVE came. Returns false where it makes no sense. */
bool succession_ask(struct worker_process *worker, struct slice names) __attribute__((warn_unused_result));

/* QUIESCED came. */
void succession_note(struct worker_process *worker, const struct message *message);

#endif
