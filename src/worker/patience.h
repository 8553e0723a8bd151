#ifndef FLEXILIB_WORKER_PATIENCE_H
#define FLEXILIB_WORKER_PATIENCE_H

/* Whether a worker lets others go first. While it starts, and loads libraries, nobody waits for it, but clients wait
 * for those of the generation before, which have the same CPUs: it asks for a long slice of time, so that whoever has
 * work to do interrupts it at once. It gets no less time for that. Kernels before 6.12 take no notice.
 *
 * Threads that are begun meanwhile are as impatient as ever. */

#include <stdbool.h>

void patience_set(bool is_patient);

#endif
