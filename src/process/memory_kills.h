#ifndef FLEXILIB_PROCESS_MEMORY_KILLS_H
#define FLEXILIB_PROCESS_MEMORY_KILLS_H

/* Whether the kernel has killed processes for want of memory: its counter for our control group, or, where there is
 * none, that of the whole machine. It says that it was somebody, not whom. */

#include <stdbool.h>
#include <stdint.h>

struct memory_kills {
    uint64_t count; /* when it was read last */
};

void memory_kills_init(struct memory_kills *kills);

/* Whether there were any since this, or init, was called last. */
bool memory_kills_have_grown(struct memory_kills *kills);

/* The number behind the word in lines of "word number", 0 where there is none; for tests. */
uint64_t memory_kills_parse(const char *lines, const char *word);

#endif
