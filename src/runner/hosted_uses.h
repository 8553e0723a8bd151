#ifndef FLEXILIB_RUNNER_HOSTED_USES_H
#define FLEXILIB_RUNNER_HOSTED_USES_H

/* The uses that a runner's host makes of its library, by the steps of the settings, and which of them can be asked.
 * Workers have a use made before they serve. Where the process has taken the place of another that may fail, for
 * reasons that pass: then it is tried again when it is asked for, now and then. */

#include "filter/chain.h"
#include "runner/runner_host.h"

struct library;

struct hosted_use {
    unsigned step;
    struct use *use;
    struct chain chain;
    bool is_waiting; /* it has deferred being ready, and is not */
    bool has_failed; /* and will not be */
};

struct hosted_uses {
    struct hosted_use **items;
    size_t count, capacity;
    uint64_t again_ms; /* when one that is missing is tried again */
};

/* NULL where there is none. */
struct hosted_use *hosted_uses_find(const struct hosted_uses *uses, uint64_t step);

/* Makes the one for a step. library may be NULL, where it could not be opened. Returns NULL where there is none, and
 * fills error; also where it cannot get ready. */
struct hosted_use *hosted_uses_make(struct hosted_uses *uses, const struct runner_host_parts *parts,
                                    struct library *library, unsigned step, struct error *error);

/* Makes it once more if it is missing and time has passed; what is wrong goes to the log. */
void hosted_uses_retry(struct hosted_uses *uses, const struct runner_host_parts *parts, struct library *library,
                       unsigned step);

/* Whether one is not ready, and whether one will not be. */
bool hosted_uses_wait(const struct hosted_uses *uses);
bool hosted_uses_have_failed(const struct hosted_uses *uses);

/* Looks whether it has got ready by now. Fills error where it has failed; returns whether it is no longer open. */
bool hosted_use_settle(struct hosted_use *use, struct error *error);

/* Destroys them, the last one first. */
void hosted_uses_finish(struct hosted_uses *uses);

#endif
