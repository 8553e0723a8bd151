#ifndef FLEXILIB_PROCESS_CRASH_RESPONSE_H
#define FLEXILIB_PROCESS_CRASH_RESPONSE_H

/* What the supervisor does about a library that crashes again and again, by what manifests say of it:
 *
 * - where a change within `probation` has brought it, what served before comes back, and the library is refused until
 * its content changes (refusals.h);
 * - otherwise nothing changes, for whoever can make it crash must not be able to change what runs: workers are replaced
 *   with growing delay, and log and status say so. Only where its settings say `quarantine`, its routes answer 503. */

#include "process/reloads.h"

struct death;
struct worker_process;

/* Takes note of a death in the generation that serves; was_stuck: we have killed the worker, for its loop stood still.
 */
void crash_response_note(struct generation *generation, const struct death *death, bool was_stuck);

/* A generation takes over from another. Where both have the same libraries, crashes in the old one still count. */
void crash_response_carry(const struct generation *old, const struct generation *new);

/* Does what follows from deaths that were noted. */
void crash_response_step(struct reloads *reloads);

/* Shows for metrics how many libraries are refused, and in quarantine. */
void crash_response_show(const struct reloads *reloads);

/* Tells a worker that is about to serve what is in quarantine in its generation. */
void crash_response_tell_quarantine(const struct generation *generation, struct worker_process *worker);

#endif
