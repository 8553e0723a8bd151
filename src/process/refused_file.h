#ifndef FLEXILIB_PROCESS_REFUSED_FILE_H
#define FLEXILIB_PROCESS_REFUSED_FILE_H

/* The libraries that are refused (crash_policy.h), on disk, so that the next start knows them too: the file `refused`
 * in a folder of state_folder.h, with a line for each, fields as in control_message.h, and remarks behind '#':
 *
 *     refused PATH DIGEST
 *
 * It is replaced in one step, and removed when nothing is refused. A process of its own does the writing whenever the
 * policy has changed; where it fails there is a warning, and nothing else. Whoever removes the file wants nothing to be
 * refused any more. */

#include "process/state_writer.h"

#include <stdbool.h>
#include <stdint.h>

struct crash_policy;

struct refused_file {
    char *folder; /* NULL: there is no place */
    char *path;
    struct state_writer writer;
    unsigned version; /* of what the policy refuses: that was written, or tried */
    bool is_kept;     /* something is refused, and it stands there */
};

void refused_file_init(struct refused_file *file, const char *config);
void refused_file_finish(struct refused_file *file);

/* At the start: has the policy refuse what stands in the file. What makes no sense is skipped, with a warning. Blocks.
 */
void refused_file_read(struct refused_file *file, struct crash_policy *policy);

/* Writes what has changed, and when there is something to do without an event (0: never). */
void refused_file_step(struct refused_file *file, const struct crash_policy *policy, uint64_t now_us);
uint64_t refused_file_deadline(const struct refused_file *file);

/* Whether something is being written, or is to be. */
bool refused_file_is_busy(const struct refused_file *file, const struct crash_policy *policy);

/* Takes note of a process that ended. Returns false where it is none of ours. */
bool refused_file_bury(struct refused_file *file, const struct crash_policy *policy, pid_t pid, int status);

/* Whether somebody has removed it. */
bool refused_file_was_removed(const struct refused_file *file);

#endif
