#ifndef FLEXILIB_PROCESS_LIMITS_H
#define FLEXILIB_PROCESS_LIMITS_H

/* What the kernel lets this process have. */

/* Allows as many open descriptors as may be allowed: connections in a worker, pipes of workers in the supervisor. */
void limits_raise_descriptors(void);

#endif
