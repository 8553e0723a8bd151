#ifndef FLEXILIB_PROCESS_AUTOPSIES_H
#define FLEXILIB_PROCESS_AUTOPSIES_H

/* What the log says of crashes, and of threads that were asked where they are: a sentence, the place, and a backtrace.
 * A child makes the latter two (autopsy/autopsy.h) from a copy of the crash record and from the files in the
 * generation's snapshot, which is kept for so long; nobody waits for it. Where it fails, takes too long, or there are
 * too many at a time, the log has what the supervisor can tell by itself: files and offsets. */

#include "base/crash_record.h"
#include "base/log.h"
#include "base/text.h"
#include "process/held_snapshot.h"
#include "process/poller.h"
#include "process/program.h"

/* The argument that makes the program the child, and its descriptor of the record. */
#define ROLE_AUTOPSY "--autopsy"
#define AUTOPSY_END  "." /* the last line of what it writes: all is said */

enum {
    AUTOPSY_RECORD_FD = 3,
};

struct autopsy_role {
    const char *snapshot; /* folder, without links in its path */
    const char *user;     /* whom the child becomes: the worker's, "" for nobody */
    uint32_t uid, gid;
};

/* Reads the child's arguments; role points into them. */
bool autopsy_role_parse(int count, char **arguments, struct autopsy_role *role) __attribute__((warn_unused_result));

struct autopsy;

struct autopsies {
    struct poller *poller;
    const struct program *program;
    struct autopsy *list;
    unsigned count;
};

void autopsies_init(struct autopsies *autopsies, struct poller *poller, const struct program *program);

/* Ends those under way and says what is known so far. */
void autopsies_finish(struct autopsies *autopsies);

struct autopsy_order {
    enum log_level level;
    struct slice sentence;             /* goes on with ", at ..."; may hold no line break */
    struct slice addition;             /* stands behind the place */
    const struct crash_record *record; /* checked; NULL: there is none, and the sentence is all */
    struct held_snapshot *snapshot;    /* the generation's, which the libraries are below; held while it is needed */
};

/* Has it written to the log, now or in a moment. Copies what it keeps. */
void autopsies_tell(struct autopsies *autopsies, const struct autopsy_order *order);

/* Takes note of a process that ended. Returns false where it is none of these. */
bool autopsies_bury(struct autopsies *autopsies, pid_t pid);

/* Ends those whose time is over. */
void autopsies_step(struct autopsies *autopsies, uint64_t now_us);

/* When that has something to do; 0: never. */
uint64_t autopsies_deadline(const struct autopsies *autopsies);

bool autopsies_are_under_way(const struct autopsies *autopsies);

/* Whether one of them looks at a process that was made from that snapshot. */
bool autopsies_need(const struct autopsies *autopsies, const struct held_snapshot *snapshot);

#endif
