#ifndef FLEXILIB_BASE_CRASH_REGISTERS_H
#define FLEXILIB_BASE_CRASH_REGISTERS_H

/* The registers of a thread into a crash record, by their DWARF numbers: of what a signal has interrupted, or of the
 * caller itself. The only code that knows one machine from another. Safe in signal handlers. */

#include "base/crash_record.h"

/* context is what a handler gets as its third argument. */
void crash_registers_of_context(const void *context, struct crash_record *record);

/* No more than where the thread goes on, and where its stack is. */
void crash_registers_set_place(struct crash_record *record, uint64_t pc, uint64_t sp);

/* Inlined, so that no frame stands between the caller and what is told. */
static inline __attribute__((always_inline)) void crash_registers_of_caller(struct crash_record *record)
{
    uint64_t *registers = record->registers;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rbx, 24(%0)\n\t"
                     "movq %%rbp, 48(%0)\n\t"
                     "movq %%rsp, 56(%0)\n\t"
                     "movq %%r12, 96(%0)\n\t"
                     "movq %%r13, 104(%0)\n\t"
                     "movq %%r14, 112(%0)\n\t"
                     "movq %%r15, 120(%0)\n\t"
                     "leaq 0(%%rip), %%rax\n\t"
                     "movq %%rax, 128(%0)"
                     :
                     : "r"(registers)
                     : "rax", "memory");
    record->machine = CRASH_MACHINE_X86_64;
    record->pc = registers[16];
    record->sp = registers[7];
    record->fp = registers[6];
#elif defined(__aarch64__)
    __asm__ volatile("stp x19, x20, [%0, #152]\n\t"
                     "stp x21, x22, [%0, #168]\n\t"
                     "stp x23, x24, [%0, #184]\n\t"
                     "stp x25, x26, [%0, #200]\n\t"
                     "stp x27, x28, [%0, #216]\n\t"
                     "stp x29, x30, [%0, #232]\n\t"
                     "mov x9, sp\n\t"
                     "adr x10, .\n\t"
                     "stp x9, x10, [%0, #248]"
                     :
                     : "r"(registers)
                     : "x9", "x10", "memory");
    record->machine = CRASH_MACHINE_AARCH64;
    record->pc = registers[32];
    record->sp = registers[31];
    record->fp = registers[29];
#endif
}

#endif
