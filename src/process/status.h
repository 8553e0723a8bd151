#ifndef FLEXILIB_PROCESS_STATUS_H
#define FLEXILIB_PROCESS_STATUS_H

/* What `flexilib status` is told, by the control socket:
 *
 *     program VERSION PID CONFIG
 *     generation NUMBER STATE WORKERS REQUESTS TUNNELS CONNECTIONS AGE
 *     draining NUMBER WHY                   for those that do
 *     snapshot NUMBER OF                    a generation that was started from another one's snapshot
 *     library PATH DIGEST ABI VERSIONS      of the one that serves, as its manifest has them
 *     route NAME DIGEST TARGET FILE:LINE    likewise
 *     reload ID CAUSES RESULT AGE GENERATION SENTENCE
 *     refused PATH DIGEST                   a library that was rolled back for crashing
 *     quarantine PATH                       a library whose routes are out of service
 *     crashing PATH LOOPS AGE               one that crashes again and again, and goes on; how often, and since the
 * last kept NUMBER                           whose snapshot one can go back to, the newest first
 *
 * Ages are in seconds. There are up to three reloads: the last one that is over, one under way, one that waits. */

#include "process/control_message.h"
#include "process/reloads.h"

void status_print(const struct reloads *reloads, struct text *answer);

#endif
