#ifndef FLEXILIB_PROCESS_RELOADS_H
#define FLEXILIB_PROCESS_RELOADS_H

/* When generations start, and what became of it: one reload at a time, each with an id. What asks for one while another
 * is under way merges into one that follows it. A rollback goes before all others, and what has not taken effect by
 * then never does. The supervisor has it act after each event; whoever wants a reload calls reloads_want, and whoever
 * wants to know what became of it is told by on_over. How generations take over from each other stands in
 * generations.h. */

#include "process/generations.h"
#include "process/reload.h"

enum {
    RELOADS_KEPT = 3, /* snapshots to go back to, beside the one that serves */
};

struct reloads {
    struct generations *generations;
    void (*on_over)(void *data, const struct reload *reload);
    void *data;
    unsigned last_id;
    struct reload *wanted;                    /* starts next; NULL: none */
    struct reload *wanted_rollback;           /* before that */
    struct reload *current;                   /* starts, or has taken over and waits to be announced */
    struct reload *last;                      /* that is over */
    struct held_snapshot *kept[RELOADS_KEPT]; /* of generations that have served, the newest first */
    bool was_wait_told;                       /* that it waits for draining generations */
    bool is_ended;                            /* the supervisor stops */
    bool has_refused;                         /* the start: that it has failed for a library that is refused, */
    bool takes_refused;                       /* and that such a one is taken */
};

/* on_over is called once for each reload when it is over, with its id and result. */
void reloads_init(struct reloads *reloads, struct generations *generations,
                  void (*on_over)(void *data, const struct reload *reload), void *data);

/* No generation is left. */
void reloads_finish(struct reloads *reloads);

/* Asks for a reload. Returns the id of the one that covers this request. */
unsigned reloads_want(struct reloads *reloads, enum reload_cause cause);

/* The id of something else that a reload may follow. */
unsigned reloads_next_id(struct reloads *reloads);

/* Asks for the reload that an upgrade of that id ends with. Returns the id of the one that covers it. */
unsigned reloads_follow(struct reloads *reloads, unsigned id);

/* Goes back to what served before, from its snapshot, for a reason that log and status tell ("by hand"). Returns the
 * reload's id; 0 where there is nothing to go back to, and refusal says so. */
unsigned reloads_roll_back(struct reloads *reloads, const char *reason, struct text *refusal);

/* The newest snapshot is not gone back to any more. */
void reloads_forget_newest(struct reloads *reloads);

/* Starts a generation at once from a snapshot that is not one of those kept here. Only while none starts or serves. */
void reloads_start_from(struct reloads *reloads, struct held_snapshot *snapshot);

/* No reload starts any more, and those that have not taken effect are over. */
void reloads_end(struct reloads *reloads);

/* Lets the generation that starts take over, or tells why it cannot. Returns false where the first generation of all
 * has failed. */
bool reloads_step(struct reloads *reloads) __attribute__((warn_unused_result));

/* When there is something to do without an event; 0: never. */
uint64_t reloads_deadline(const struct reloads *reloads);

/* Says that the new generation serves, once it alone accepts, and ends its reload. */
void reloads_announce(struct reloads *reloads, uint64_t now_us);

/* Starts the next one where it is time; after generations_remove_finished, for old ones count. */
void reloads_start_wanted(struct reloads *reloads);

#endif
