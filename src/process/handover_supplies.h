#ifndef FLEXILIB_PROCESS_HANDOVER_SUPPLIES_H
#define FLEXILIB_PROCESS_HANDOVER_SUPPLIES_H

/* The supplies' part of a handover: program, regions, snapshots, listeners, logs, servers, wanted files. Taking it has
 * no effect outside this process, but for what stands in a region that had to be made anew: a process that only tries
 * whether it could may do so, and leave without closing anything. */

#include "process/handover.h"
#include "process/supplies.h"

/* next is the program that will read it. */
void handover_supplies_add(struct handover *handover, const struct supplies *supplies, const struct program *next);

/* Takes the record that the reader stands at, into supplies whose poller is open. Returns false where it is none of
 * these; whether it was a good one is told by the reader's error. */
bool handover_supplies_take(struct handover_reader *reader, struct supplies *supplies);

/* After the last record: checks that nothing is missing, and makes regions that the other program did not know. Returns
 * false and fills error. */
bool handover_supplies_complete(struct supplies *supplies, struct error *error) __attribute__((warn_unused_result));

/* The listener that has this descriptor, or the log of that path; NULL for none. */
struct listener *handover_find_listener(const struct supplies *supplies, int fd);
struct log_file *handover_find_log(const struct supplies *supplies, const char *path);

#endif
