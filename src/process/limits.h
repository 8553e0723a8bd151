#ifndef FLEXILIB_PROCESS_LIMITS_H
#define FLEXILIB_PROCESS_LIMITS_H

/* What the kernel lets this process have. */

/* Allows as many open descriptors as may be allowed: connections in a worker, pipes of workers in the supervisor. */
void limits_raise_descriptors(void);

/* Has memory of large pieces go back to the system when it is freed, however large others were before: for a process
 * that is to stay small, and builds something large now and then. */
void limits_return_memory(void);

#endif
