#ifndef FLEXILIB_PROCESS_REFUSALS_H
#define FLEXILIB_PROCESS_REFUSALS_H

/* Which generations may not serve, since they run a library that was rolled back for crashing (crash_policy.h,
 * refused_file.h), by what their manifests say. What serves already with the refused content forbids nothing: nobody
 * would be better off. */

#include "process/generation.h"

/* Whether a generation that is ready runs a library that is refused, which the one that serves (NULL: none) does not;
 * adds a sentence that names it to reason. */
bool refusals_forbid(const struct generation *ready, const struct generation *serving, struct text *reason);

/* Whether a library is refused that stands in a snapshot; adds that sentence. */
bool refusals_forbid_snapshot(struct supplies *supplies, const struct held_snapshot *snapshot, struct text *reason);

/* A generation that was made from what is there now serves: libraries of other contents are refused no more. */
void refusals_accept(const struct generation *serving);

/* Where somebody has removed the file, nothing is refused any more. */
void refusals_heed_removal(struct supplies *supplies);

#endif
