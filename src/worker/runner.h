#ifndef FLEXILIB_WORKER_RUNNER_H
#define FLEXILIB_WORKER_RUNNER_H

/* The program as a runner: runs one library for the workers of its generation, as the settings in their snapshot say,
 * until it is told to end or its supervisor is gone. It serves no client and has no descriptor that leads to one. */

/* Runs with the arguments that the supervisor gave, and ends the process, as worker_run does. */
void runner_run(int count, char **arguments) __attribute__((noreturn));

#endif
