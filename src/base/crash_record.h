#ifndef FLEXILIB_BASE_CRASH_RECORD_H
#define FLEXILIB_BASE_CRASH_RECORD_H

/* What a worker leaves about the moment of its death, or about a thread that was asked where it is: registers, the top
 * of the stack, and which files its code was mapped from. The handler (crash_handler.h) fills it in shared memory;
 * after the fact the supervisor copies it, tells what it can by itself, and has a short-lived child make a backtrace of
 * it. Whoever reads it trusts nothing in it: crash_record_check comes first, and makes every number and text fit to
 * use. There is no pointer in it, and nothing of the heap. */

#include "base/slot.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    CRASH_RECORD_MAGIC = 0x464c5843, /* "FLXC" */
    CRASH_RECORD_VERSION = 1,
    CRASH_REGISTERS = 34, /* by their DWARF numbers, as far as the machine has them */
    CRASH_STACK_BYTES = 65536,
    CRASH_PAGE_BYTES = 4096, /* pieces in which the stack is copied; no machine's pages are smaller */
    CRASH_MAPPINGS = 256,
    CRASH_PATHS_BYTES = 24576,
    CRASH_THREAD_BYTES = 16,
    CRASH_FRAMES = 64, /* of a backtrace, that are told */
};

enum crash_kind {
    CRASH_NONE = 0,
    CRASH_SIGNAL,  /* the thread was struck by a signal that ends the process */
    CRASH_EXIT,    /* code of a library has called exit or _exit */
    CRASH_CAPTURE, /* the thread was asked, and went on */
};

/* How far the record got: a second fault may end it anywhere. */
enum crash_progress {
    CRASH_EMPTY = 0,
    CRASH_BEGUN,    /* all but the two below */
    CRASH_MAPPED,   /* mappings too */
    CRASH_COMPLETE, /* the stack too */
};

enum crash_machine {
    CRASH_MACHINE_UNKNOWN = 0, /* no registers */
    CRASH_MACHINE_X86_64,
    CRASH_MACHINE_AARCH64,
};

enum crash_thread {
    CRASH_THREAD_OTHER = 0, /* a library has started it */
    CRASH_THREAD_LOOP,
    CRASH_THREAD_POOL,
};

/* Where code of a file stands in memory. */
struct crash_mapping {
    uint64_t start, end;
    uint64_t base;              /* where the file's first byte stands: what addresses in it count from */
    uint32_t path, path_length; /* in paths, without the NUL behind it */
};

struct crash_record {
    uint32_t magic, version, size;
    uint32_t progress; /* enum crash_progress */
    uint32_t number;   /* grows with every capture */
    uint32_t kind;     /* enum crash_kind */
    int32_t pid, tid;
    int32_t signal, code; /* si_code */
    int32_t sender;       /* the process that has sent the signal, 0: none has */
    int32_t exit_status;
    uint64_t fault_address; /* of SIGSEGV, SIGBUS, SIGFPE and SIGILL that nobody has sent */
    uint32_t machine;       /* enum crash_machine */
    uint32_t thread;        /* enum crash_thread */
    uint64_t pc, sp, fp;
    uint64_t registers[CRASH_REGISTERS];
    struct slot_call call; /* what ran on the thread */
    char thread_name[CRASH_THREAD_BYTES];
    uint64_t stack_start; /* the address of stack[0] */
    uint32_t stack_length;
    uint32_t mapping_count;
    uint32_t paths_length;
    struct crash_mapping mappings[CRASH_MAPPINGS];
    char paths[CRASH_PATHS_BYTES];
    unsigned char stack[CRASH_STACK_BYTES];
};

/* In a copy of a record that anybody may have written: puts counts, places and lengths within their bounds, ends texts
 * and makes them fit to print. Returns false where there is no record. */
bool crash_record_check(struct crash_record *record);

/* The mapping that the address stands in, NULL where there is none. For a record that was checked. */
const struct crash_mapping *crash_record_find_mapping(const struct crash_record *record, uint64_t address);

const char *crash_record_path(const struct crash_record *record, const struct crash_mapping *mapping);

/* Reads eight bytes of the stack. Returns false where they were not copied. */
bool crash_record_read_stack(const struct crash_record *record, uint64_t address, uint64_t *value);

/* Where a call has led to where no code is, takes it back: the registers are then those at the call, but for pc, which
 * stands behind it. Returns false where that is not so, or cannot be told. */
bool crash_record_leave_nowhere(struct crash_record *record);

/* The addresses of calls by frame pointers alone, beginning with pc: what can be told without any file. Frames of code
 * that keeps no frame pointer are missing. Returns how many. */
size_t crash_record_walk(const struct crash_record *record, uint64_t *frames, size_t most);

#endif
