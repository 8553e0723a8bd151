#ifndef FLEXILIB_PROCESS_RELOAD_H
#define FLEXILIB_PROCESS_RELOAD_H

/* One reload: its id, what has asked for it, and what became of it, for the log, for whoever waits for it and for
 * `flexilib status`. What asks for a reload that has not begun yet adds its cause to it. */

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum reload_cause {
    RELOAD_START = 1,      /* the first generation of all */
    RELOAD_SIGNAL = 2,     /* HUP */
    RELOAD_FILES = 4,      /* something that is watched has changed or appeared */
    RELOAD_COMMAND = 8,    /* `flexilib reload` */
    RELOAD_ROLLBACK = 16,  /* to the generation before */
    RELOAD_LAST_GOOD = 64, /* what was kept on disk, as the file cannot be served */
    RELOAD_UPGRADE = 32,   /* the program is another one */
};

enum reload_result {
    RELOAD_PENDING = 1, /* waits, or is under way */
    RELOAD_CHANGED,
    RELOAD_UNCHANGED, /* a new generation serves, which does what the one before did */
    RELOAD_FAILED,    /* the generation before goes on */
    RELOAD_OVERTAKEN, /* by a rollback */
    RELOAD_STOPPED,   /* the supervisor stops */
};

struct reload {
    unsigned id;
    unsigned causes; /* enum reload_cause */
    enum reload_result result;
    unsigned generation;  /* that it has started; 0: none yet */
    unsigned left;        /* a rollback: the generation that was left */
    uint64_t began_ms;    /* wall clock: when it was asked for */
    struct text reason;   /* a rollback: why */
    struct text sentence; /* what became of it, in one line */
    struct text details;  /* of a failure: lines that follow */
    struct text changes;  /* `change` lines for the control socket */
};

struct reload *reload_create(unsigned id);

/* NULL is fine. */
void reload_destroy(struct reload *reload);

/* What asks for it in words: "signal HUP". */
const char *reload_cause_name(enum reload_cause cause);

/* Adds all that has asked for it: "signal HUP, command". */
void reload_print_causes(const struct reload *reload, struct text *out);

/* The word for a result: "changed". */
const char *reload_result_name(enum reload_result result);

/* Adds the answer for whoever has waited for it:
 *
 *     reload ID GENERATION RESULT SENTENCE
 *     change ...                           as manifest_compare.h has them
 *     text LINE                            of a failure, behind the sentence
 *     end STATUS SENTENCE
 */
void reload_answer(const struct reload *reload, struct text *answer);

#endif
