#ifndef FLEXILIB_BASE_ALTERNATE_STACK_H
#define FLEXILIB_BASE_ALTERNATE_STACK_H

/* A stack for signal handlers, one for each thread: where a thread's own has run over, nothing else lets a handler run.
 * Below it is a page that cannot be touched. Large enough for handlers of languages' runtimes, which use it too (Go
 * asks for 32 KB). */

#include <stdbool.h>
#include <stddef.h>

struct alternate_stack {
    void *memory; /* NULL: none of ours */
};

/* Gives the calling thread one, unless it has one already (a sanitizer's), or there is no memory. */
void alternate_stack_open(struct alternate_stack *stack);

/* Takes it back, on the thread that has it. */
void alternate_stack_close(struct alternate_stack *stack);

#endif
