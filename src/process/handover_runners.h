#ifndef FLEXILIB_PROCESS_HANDOVER_RUNNERS_H
#define FLEXILIB_PROCESS_HANDOVER_RUNNERS_H

/* The records about a generation's runners: each library's, then each process's place, with those who wait for one, and
 * the process itself. A part of handover_generation.c. */

#include "process/generation_own.h"
#include "process/handover.h"

void handover_runners_add(struct handover *handover, const struct runners *runners);

/* Each takes the record of that name. */
void handover_take_runner_group(struct handover_reader *reader, struct generation *generation);
void handover_take_runner_place(struct handover_reader *reader, struct generation *generation);
void handover_take_runner_peer(struct handover_reader *reader, struct generation *generation);
void handover_take_runner(struct handover_reader *reader, struct generation *generation);

/* handover_generation.c: what there is to say of a process, worker or runner; fds are its channel and its output. */
void handover_add_process(struct handover *handover, const struct worker_process *worker);
void handover_take_process(struct handover_reader *reader, struct worker_process *worker, int fds[3]);

#endif
