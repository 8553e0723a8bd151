#ifndef FLEXILIB_PROCESS_OBITUARY_H
#define FLEXILIB_PROCESS_OBITUARY_H

/* What there is to say about a worker that died: how, after how long, in which filter, and where. */

#include "base/crash_record.h"
#include "base/slot.h"
#include "base/text.h"
#include "process/blame.h"

#include <sys/types.h>

struct death {
    pid_t pid;
    unsigned generation;
    int status; /* of waitpid */
    uint64_t lived_us;
    const char *library; /* that a runner has run; NULL: it was a worker */
    struct slot slot;    /* from slots_read and slots_read_threads */
    struct slot_threads threads;
    struct crash_record *record; /* from slots_read_record; NULL: it has left none */
    bool was_for_want_of_memory; /* the kernel has killed a process for that, and it was likely this one */
    struct blame blame;
};

/* Frees what belongs to it. */
void death_finish(struct death *death);

/* Adds "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s, in filter 'crash'
 * (on_request_head) for request 0123456789abcdef (GET /x)"; parts that are unknown are left out. */
void obituary_print(const struct death *death, struct text *out);

/* Adds what stands behind the place where it happened: ", touching address 0x8". */
void obituary_print_cause(const struct death *death, struct text *out);

/* Adds ", at crash.so+0x1139", as far as the record tells. snapshot as for blame_find. */
void obituary_print_place(const struct death *death, const char *snapshot, struct text *out);

/* Adds what the slot tells: ", in filter 'crash' (on_request_head) for request 0123456789abcdef", or nothing. Where
 * threads of the pool (NULL: there was none) had calls too, nobody knows which one it was: ", in filter 'crash'
 * (offload) for request 0123456789abcdef or in filter 'sleep' (offload) for one of 12 requests". */
void obituary_print_slot(const struct slot *slot, const struct slot_threads *threads, struct text *out);

#endif
