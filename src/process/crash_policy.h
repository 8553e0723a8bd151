#ifndef FLEXILIB_PROCESS_CRASH_POLICY_H
#define FLEXILIB_PROCESS_CRASH_POLICY_H

/* What crashes lead to. It remembers which libraries were blamed for the last ones, and which were rolled back for
 * them: these stay refused until their content changes. It only remembers and counts; who asks is reloads.h, and what
 * is done is done there. A library is a path with the hash of its content. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CRASH_LOOP_CRASHES = 3,
    CRASH_LOOP_MS = 30 * 1000,
    CRASH_POLICY_RECENT = 64,
};

struct recent_crash {
    char *library;
    unsigned generation;
    uint64_t at_us;
};

struct refused_library;

/* What has crashed again and again: nobody has asked for it yet, or it is in quarantine, or it goes on. */
struct crashing_library {
    struct crashing_library *next;
    char *path;
    char *place; /* the file whose code the last one happened in, which may be what the library needs; "": not known */
    unsigned generation;
    unsigned loops;   /* of one that goes on, in its generation and those before with the same libraries, */
    uint64_t last_us; /* and when the last one was */
};

struct crash_policy {
    struct recent_crash recent[CRASH_POLICY_RECENT]; /* a ring */
    unsigned next;
    struct refused_library *refused; /* the oldest first */
    unsigned refused_count;
    unsigned refused_version; /* raised whenever they change */
    struct crashing_library *loops, *quarantined, *going_on;
};

void crash_policy_init(struct crash_policy *policy);
void crash_policy_finish(struct crash_policy *policy);

/* Notes a crash in a generation that is blamed on a library, and where it happened. Returns whether that makes
 * CRASH_LOOP_CRASHES of it within CRASH_LOOP_MS; then they are forgotten, so that each loop is told once, and it is
 * kept until it is taken. */
bool crash_policy_note(struct crash_policy *policy, unsigned generation, struct slice library, struct slice place,
                       uint64_t now_us);

/* Whether crashes or loops in a generation are remembered. */
bool crash_policy_knows(const struct crash_policy *policy, unsigned generation);

/* Those in one generation count as crashes in its successor from now on. */
void crash_policy_carry(struct crash_policy *policy, unsigned generation, unsigned successor);

/* Takes a loop that was noted; the caller frees its texts. Returns false where there is none. */
bool crash_policy_take_loop(struct crash_policy *policy, struct crashing_library *loop);

/* Puts a library of a generation in quarantine; those of other generations are forgotten. Returns false where it is
 * already. */
bool crash_policy_quarantine(struct crash_policy *policy, unsigned generation, struct slice library);

/* Notes a loop of a library of a generation after which it goes on; those of other generations are forgotten. */
void crash_policy_go_on(struct crash_policy *policy, unsigned generation, struct slice library, unsigned loops,
                        uint64_t last_us);

/* For handing over: notes a crash once more that was noted at that time. */
void crash_policy_remember(struct crash_policy *policy, unsigned generation, struct slice library, uint64_t at_us);

/* Whether what serves since then is still so young now that it may be taken back; both by the wall clock, which may
 * have been set back meanwhile. */
bool crash_policy_is_young(uint64_t since_ms, uint64_t now_ms, uint64_t probation_ms);

/* Refuses a library with this content from now on. */
void crash_policy_refuse(struct crash_policy *policy, struct slice library, struct slice hash);

/* Whether this library with this content is refused. */
bool crash_policy_refuses(const struct crash_policy *policy, struct slice library, struct slice hash);

/* A library is what it is now by right: it is no longer refused with the contents that it had. */
void crash_policy_accept(struct crash_policy *policy, struct slice library, struct slice hash);

/* Nothing is refused any more. */
void crash_policy_accept_all(struct crash_policy *policy);

/* Calls visit for each refused library, the oldest first. */
void crash_policy_each_refused(const struct crash_policy *policy,
                               void (*visit)(void *data, struct slice library, struct slice hash), void *data);

#endif
