#ifndef FLEXILIB_BASE_CRASH_HANDLER_H
#define FLEXILIB_BASE_CRASH_HANDLER_H

/* Has a worker leave a crash record before it dies of SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP or SIGSYS, or
 * when code of a library calls exit; then it dies of just that signal, so that its status and a core dump are true.
 * Where somebody has a handler of his own before us (a sanitizer), it stays; who sets one later, as Go's runtime does,
 * is expected to pass on what is not his.
 *
 * A thread that lives can be asked for a record too, from within the process or from outside. */

#include "base/alternate_stack.h"
#include "base/crash_record.h"

#include <signal.h>

enum {
    /* Asks the thread that it is sent to (tgkill) for a record. Nothing else sends it, and its system calls go on. */
    CRASH_CAPTURE_SIGNAL = SIGSTKFLT,
};

struct crash_handler {
    struct crash_record *crash, *capture;  /* shared memory in zeros */
    const struct slot_call *call;          /* what runs on the loop; NULL: nobody says */
    const struct slot_threads *pool_calls; /* what runs on threads of the pool; NULL: nobody says */
};

/* Sets the handlers; the calling thread is the loop's. What handler points to lives as long as the process. */
void crash_handler_open(const struct crash_handler *handler);

/* For a thread of the pool, with its number, from its own code: gives it a stack for handlers, and takes it back. */
void crash_handler_enter_thread(unsigned number, struct alternate_stack *stack);
void crash_handler_leave_thread(struct alternate_stack *stack);

/* Whether code of a library runs on this thread, which has so called what it calls. */
bool crash_handler_is_in_library(void);

/* A copy of what runs on this thread. */
struct slot_call crash_handler_call(void);

/* Leaves a record of an exit that code of a library has asked for. [any thread] */
void crash_handler_note_exit(int status);

/* Asks a thread of this process, or of another one, for a record of where it is (SLOT_RECORD_CAPTURE). It is there when
 * number in that has grown and progress is CRASH_COMPLETE again; a thread that cannot be interrupted gives none.
 * Returns false with errno set. [any thread] */
bool crash_handler_ask(pid_t pid, pid_t tid);

/* Leaves such a record of the loop's thread, which waits in the kernel (thread_state.h), without asking it. Returns
 * false where one is being written. [any thread but that one] */
bool crash_handler_describe_loop(uint64_t pc, uint64_t sp);

#endif
