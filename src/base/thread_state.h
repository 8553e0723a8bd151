#ifndef FLEXILIB_BASE_THREAD_STATE_H
#define FLEXILIB_BASE_THREAD_STATE_H

/* What the kernel says of another thread of this process: whether it has ended, and whether it waits in a system call
 * that a signal would end early. Such a thread is better not asked where it is (crash_handler_ask), as its code may not
 * be ready for that; where it stands can be read here as well. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A thread that has ended while others of its process live. */
bool thread_has_ended(pid_t tid);

/* Where it waits in such a call: the addresses of what it goes on with, and of its stack. Returns false where it runs,
 * or waits for a lock, which a signal does not disturb, or where the kernel does not tell. */
bool thread_is_waiting(pid_t tid, uint64_t *pc, uint64_t *sp);

#endif
