#ifndef FLEXILIB_PROCESS_UPGRADE_H
#define FLEXILIB_PROCESS_UPGRADE_H

/* The program in place of itself: what stands by now where the supervisor was started from is tried first, by a child
 * that restores the handed-over state and says so. Only then it is executed in this process, which keeps its pid and so
 * its children. Whatever fails before, the program that runs goes on. What the state is, and when it may be handed
 * over, is the supervisor's business, which has this act after each event; the other side stands in
 * supervisor_handover.h. */

#include "process/handover.h"
#include "process/supplies.h"

#include <sys/types.h>

enum upgrade_state {
    UPGRADE_NONE = 0,
    UPGRADE_WANTED,  /* waits until the state may be handed over */
    UPGRADE_PROBING, /* the child runs */
    UPGRADE_PROBED,  /* it has restored the state; upgrade_execute may be called */
};

struct upgrade {
    struct supplies *supplies;
    void (*on_failed)(void *data, unsigned id, const char *sentence);
    void *data;
    enum upgrade_state state;
    unsigned id;
    struct program next;
    pid_t pid;
    struct poller_watch output;
    struct text said; /* what the child has written */
    uint64_t deadline_us;
    bool is_late;
    bool was_wait_told;
};

/* on_failed is told why one has not taken effect. */
void upgrade_init(struct upgrade *upgrade, struct supplies *supplies,
                  void (*on_failed)(void *data, unsigned id, const char *sentence), void *data);
void upgrade_close(struct upgrade *upgrade);

/* Begins one, under that id; only while none is under way. */
void upgrade_begin(struct upgrade *upgrade, unsigned id);

/* Says, once, what a wanted one waits for. */
void upgrade_tell_wait(struct upgrade *upgrade, const char *what);

/* Opens the program of a wanted one. Returns false where that has failed, which is told. */
bool upgrade_open(struct upgrade *upgrade) __attribute__((warn_unused_result));

/* Starts its child, with the state. */
void upgrade_probe(struct upgrade *upgrade, struct handover *handover);

/* Takes note of the child's end. Returns false where the process is none of this. */
bool upgrade_bury(struct upgrade *upgrade, pid_t pid, int status);

/* Ends a child that takes too long. */
void upgrade_step(struct upgrade *upgrade, uint64_t now_us);

/* When there is something to do without an event; 0: never. */
uint64_t upgrade_deadline(const struct upgrade *upgrade);

/* Gives up what is under way: the supervisor stops. */
void upgrade_cancel(struct upgrade *upgrade);

/* Becomes the program that was probed, with the state. Comes back only where that has failed, which is told. */
void upgrade_execute(struct upgrade *upgrade, struct handover *handover);

/* How the child's last line begins: its version follows, or why it cannot restore the state. */
#define UPGRADE_APPROVAL "flexilib-probe ok "
#define UPGRADE_REFUSAL  "flexilib-probe failed: "

#endif
