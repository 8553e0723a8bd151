#ifndef FLEXILIB_PROCESS_OBITUARY_H
#define FLEXILIB_PROCESS_OBITUARY_H

/* What there is to say about a worker that died: how, after how long, and in which filter. */

#include "base/slot.h"
#include "base/text.h"

#include <sys/types.h>

struct death {
    pid_t pid;
    unsigned generation;
    int status; /* of waitpid */
    uint64_t lived_us;
    struct slot slot; /* from slots_read */
};

/* Adds "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s, in filter 'crash'
 * (on_request_head) for request 0123456789abcdef"; parts that are unknown are left out. */
void obituary_print(const struct death *death, struct text *out);

/* Adds what the slot tells: ", in filter 'crash' (on_request_head) for request 0123456789abcdef", or nothing. */
void obituary_print_slot(const struct slot *slot, struct text *out);

#endif
