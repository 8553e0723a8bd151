#ifndef FLEXILIB_WORKER_WORKER_H
#define FLEXILIB_WORKER_WORKER_H

/* The program as a worker: builds a plan from the configuration, says that it is ready, and serves until it is told to
 * drain or its supervisor is gone. */

/* Runs with the arguments that the supervisor gave, and ends the process; without exit handlers, since code of
 * libraries may still run in threads of theirs. */
void worker_run(int count, char **arguments) __attribute__((noreturn));

#endif
