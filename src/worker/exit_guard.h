#ifndef FLEXILIB_WORKER_EXIT_GUARD_H
#define FLEXILIB_WORKER_EXIT_GUARD_H

/* exit, quick_exit, _exit and _Exit as libraries find them: the program's own come before the C library's. Where code
 * of a library calls one in a worker, it leaves a crash record first, and the process ends at once: exit handlers,
 * which may wait for threads or locks for ever, do not run, as they do not when a worker ends by itself. Anywhere else
 * they are what they always were. A library that makes the system call itself (Go's os.Exit) is not seen here; what its
 * worker's slot says still tells whose doing it was. */

/* Has the program contain them. */
void exit_guard_use(void);

#endif
