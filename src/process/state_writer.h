#ifndef FLEXILIB_PROCESS_STATE_WRITER_H
#define FLEXILIB_PROCESS_STATE_WRITER_H

/* Who writes into the folder of state_folder.h: a copy of the supervisor, since disks may take their time and nobody
 * waits for them. It holds none of the supervisor's descriptors, ends with it, and is killed where it takes too long.
 * What is written, and when, is the business of last_good.h and refused_file.h. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct state_writer {
    pid_t pid; /* 0: none is at work */
    uint64_t deadline_us;
    const char *trouble; /* the beginning of a warning: "what serves cannot be kept" */
};

/* trouble must outlive it. */
void state_writer_init(struct state_writer *writer, const char *trouble);

/* Ends the one at work. */
void state_writer_finish(struct state_writer *writer);

/* Has a copy call write, which says itself what there is to say and returns an exit status. Only while none is at work.
 * Returns false, with a warning, where there can be none. */
bool state_writer_start(struct state_writer *writer, int (*write)(void *data), void *data, uint64_t now_us);

/* Kills the one that takes too long. */
void state_writer_step(struct state_writer *writer, uint64_t now_us);

/* Takes note of a process that ended. Returns false where it is not the one at work. */
bool state_writer_bury(struct state_writer *writer, pid_t pid, int status);

#endif
