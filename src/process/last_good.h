#ifndef FLEXILIB_PROCESS_LAST_GOOD_H
#define FLEXILIB_PROCESS_LAST_GOOD_H

/* Keeps on disk what serves well, so that a later start can fall back to it (`--last-good`). A process of its
 * own does the writing: half a second after a generation has begun to serve, or later while others follow
 * each other. Where it fails there is a warning, and nothing else. */

#include "process/kept_set.h"
#include "process/state_writer.h"

struct last_good {
    char *folder;                   /* NULL: there is no place */
    struct held_snapshot *snapshot; /* to be kept; NULL: none */
    uint64_t due_us;                /* then */
    uint64_t longest_us;            /* and at the latest then */
    struct held_snapshot *writing;  /* is being kept; NULL: none */
    struct state_writer writer;
};

void last_good_init(struct last_good *last_good, const char *config);
void last_good_finish(struct last_good *last_good);

/* A generation that was made from this serves from now on. */
void last_good_note(struct last_good *last_good, struct held_snapshot *snapshot, uint64_t now_us);

/* Does what is due, and when there is something to do without an event (0: never). */
void last_good_step(struct last_good *last_good, uint64_t now_us);
uint64_t last_good_deadline(const struct last_good *last_good);

/* Takes note of a process that ended. Returns false where it is not the child. */
bool last_good_bury(struct last_good *last_good, pid_t pid, int status);

/* What is kept, as a snapshot for a generation of that number, whose first user the caller is. Returns NULL and fills
 * error. Blocks. */
struct held_snapshot *last_good_take(const struct last_good *last_good, struct snapshots *snapshots, unsigned number,
                                     struct kept_set *about, struct error *error);

#endif
