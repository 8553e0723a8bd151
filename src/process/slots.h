#ifndef FLEXILIB_PROCESS_SLOTS_H
#define FLEXILIB_PROCESS_SLOTS_H

/* The workers' slots in shared memory, and behind all of them, for each, what the threads of its pool do and what it
 * leaves of a crash: that part is large and mostly never touched. The supervisor makes the region once, and its size is
 * sealed; each worker gets its descriptor and the number of its slot. What is read from it is a copy, checked and made
 * fit to print. */

#include "base/crash_record.h"
#include "base/slot.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    SLOTS_COUNT = 4096,
};

enum slot_record {
    SLOT_RECORD_CRASH = 0,
    SLOT_RECORD_CAPTURE, /* of a thread that lives on */
    SLOT_RECORDS,
};

/* What belongs to a slot and stands behind all of them. */
struct slot_details {
    struct slot_threads threads;
    struct crash_record records[SLOT_RECORDS];
};

struct slots {
    int fd;
    struct slot *items; /* SLOTS_COUNT; NULL before open */
    bool is_taken[SLOTS_COUNT];
};

/* Makes the region. Returns false with errno set. */
bool slots_open(struct slots *slots) __attribute__((warn_unused_result));
/* Takes over the region of a supervisor before us, whose workers use it as of that version. Returns false, the
 * descriptor being the caller's still, where it is of another one. */
bool slots_adopt(struct slots *slots, int fd, int64_t version) __attribute__((warn_unused_result));
void slots_close(struct slots *slots);

/* The number of a free slot, wiped; -1 where there is none. */
int slots_take(struct slots *slots);
/* Marks a number as taken by a worker that runs already. */
void slots_keep(struct slots *slots, int number);
/* Wipes it. */
void slots_release(struct slots *slots, int number);

/* A copy of what the worker left in its slot, safe to print; all zero where it makes no sense. */
struct slot slots_read(const struct slots *slots, int number);

/* Fills copy likewise with what the threads of the worker's pool did. */
void slots_read_threads(const struct slots *slots, int number, struct slot_threads *copy);

/* A copy of what it left of a crash, or of a thread that was asked: one that has passed crash_record_check, for free().
 * NULL where there is none. */
struct crash_record *slots_read_record(const struct slots *slots, int number, enum slot_record which);

/* In the worker: maps the slots in the region that fd stands for and claims the one of that number. NULL where that
 * fails. */
struct slot *slots_attach(int fd, int number, pid_t pid);

/* In the worker: maps what belongs to its slot. NULL where that fails. */
struct slot_details *slots_attach_details(int fd, int number);

#endif
