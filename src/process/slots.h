#ifndef FLEXILIB_PROCESS_SLOTS_H
#define FLEXILIB_PROCESS_SLOTS_H

/* The workers' slots in shared memory. The supervisor makes the region once, and its size is sealed; each worker gets
 * its descriptor and the number of its slot. What is read from it is checked and made fit to print. */

#include "base/slot.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    SLOTS_COUNT = 4096,
};

struct slots {
    int fd;
    struct slot *items; /* SLOTS_COUNT; NULL before open */
    bool is_taken[SLOTS_COUNT];
};

/* Makes the region. Returns false with errno set. */
bool slots_open(struct slots *slots) __attribute__((warn_unused_result));
void slots_close(struct slots *slots);

/* The number of a free slot, wiped; -1 where there is none. */
int slots_take(struct slots *slots);
/* Wipes it. */
void slots_release(struct slots *slots, int number);

/* A copy of what the worker left in its slot, safe to print; all zero where it makes no sense. */
struct slot slots_read(const struct slots *slots, int number);

/* In the worker: maps the region that fd stands for and claims the slot of that number. NULL where that fails. */
struct slot *slots_attach(int fd, int number, pid_t pid);

#endif
