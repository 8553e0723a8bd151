#ifndef FLEXILIB_PROCESS_TRIAL_H
#define FLEXILIB_PROCESS_TRIAL_H

/* Runs what may run code of libraries in a copy of this process that is thrown away: whatever a library does there, be
 * it to crash, to hang or to exit, becomes a sentence. For commands; a process with threads must not use it. */

#include "base/slot.h"
#include "base/text.h"

#include <stdbool.h>

struct trial {
    /* Runs in the copy. Slot and threads are for a runtime, and may be NULL; where `turns` in the slot stands still for
     * limit_ms, the copy is killed. */
    int (*run)(struct slot *slot, struct slot_threads *threads, void *data);
    void *data;
    const char *what;  /* as messages call it: "the check" */
    unsigned limit_ms; /* 0: there is none */
};

enum trial_outcome {
    TRIAL_RETURNED = 1, /* *status is what run has returned */
    TRIAL_ENDED,        /* a library has ended it; sentence says how, and in which filter and hook */
    TRIAL_IMPOSSIBLE,   /* nothing was run; sentence says why */
};

/* Adds to sentence, which may hold something already. */
enum trial_outcome trial_run(const struct trial *trial, int *status, struct text *sentence)
    __attribute__((warn_unused_result));

#endif
