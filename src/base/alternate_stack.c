#include "base/alternate_stack.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    STACK_BYTES = 65536,
};

static size_t guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void alternate_stack_open(struct alternate_stack *stack)
{
    stack_t present;
    *stack = (struct alternate_stack){.memory = NULL};
    if (sigaltstack(NULL, &present) == -1 || (present.ss_flags & SS_DISABLE) == 0)
        return;
    char *memory = mmap(NULL, guard_bytes() + STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return;
    mprotect(memory, guard_bytes(), PROT_NONE);
    stack->memory = memory;
    sigaltstack(&(stack_t){.ss_sp = memory + guard_bytes(), .ss_size = STACK_BYTES}, NULL);
}

void alternate_stack_close(struct alternate_stack *stack)
{
    if (stack->memory == NULL)
        return;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(stack->memory, guard_bytes() + STACK_BYTES);
    stack->memory = NULL;
}
