#ifndef FLEXILIB_WORKER_THREAD_GUARD_H
#define FLEXILIB_WORKER_THREAD_GUARD_H

/* pthread_create as libraries find it: the program's own comes before the C library's (as in exit_guard.h). Where code
 * of a library starts a thread in a worker or a runner, that thread gets a stack for signal handlers, so that a crash
 * of it is told of even where its own stack has run over. It has it as long as its code runs, destructors of the first
 * round included, however it ends. Everything else about the thread, and every other call, is the C library's doing.
 *
 * Not seen are threads that come about otherwise: by thrd_create of C11, which the C library does not lead through
 * here, or by clone. Sanitizers have a pthread_create of their own, and such a stack for each thread: there is none
 * of ours beside them. */

/* To be called once, first of all: later there may be threads, and somebody who loads libraries. */
void thread_guard_open(void);

#endif
