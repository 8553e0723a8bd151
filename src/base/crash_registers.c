#include "base/crash_registers.h"

#include <ucontext.h>

#if defined(__x86_64__)

void crash_registers_of_context(const void *context, struct crash_record *record)
{
    static const int order[] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
    };
    const greg_t *found = ((const ucontext_t *)context)->uc_mcontext.gregs;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); ++i)
        record->registers[i] = (uint64_t)found[order[i]];
    record->machine = CRASH_MACHINE_X86_64;
    record->pc = (uint64_t)found[REG_RIP];
    record->sp = (uint64_t)found[REG_RSP];
    record->fp = (uint64_t)found[REG_RBP];
}

void crash_registers_set_place(struct crash_record *record, uint64_t pc, uint64_t sp)
{
    memset(record->registers, 0, sizeof(record->registers));
    record->machine = CRASH_MACHINE_X86_64;
    record->pc = record->registers[16] = pc;
    record->sp = record->registers[7] = sp;
    record->fp = 0;
}

#elif defined(__aarch64__)

void crash_registers_of_context(const void *context, struct crash_record *record)
{
    const mcontext_t *found = &((const ucontext_t *)context)->uc_mcontext;
    for (size_t i = 0; i < 31; ++i)
        record->registers[i] = found->regs[i];
    record->registers[31] = found->sp;
    record->registers[32] = found->pc;
    record->machine = CRASH_MACHINE_AARCH64;
    record->pc = found->pc;
    record->sp = found->sp;
    record->fp = found->regs[29];
}

void crash_registers_set_place(struct crash_record *record, uint64_t pc, uint64_t sp)
{
    memset(record->registers, 0, sizeof(record->registers));
    record->machine = CRASH_MACHINE_AARCH64;
    record->pc = record->registers[32] = pc;
    record->sp = record->registers[31] = sp;
    record->fp = 0;
}

#else

void crash_registers_of_context(const void *context, struct crash_record *record)
{
    record->machine = CRASH_MACHINE_UNKNOWN;
}

void crash_registers_set_place(struct crash_record *record, uint64_t pc, uint64_t sp)
{
    record->machine = CRASH_MACHINE_UNKNOWN;
}

#endif
