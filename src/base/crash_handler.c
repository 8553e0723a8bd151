#include "base/crash_handler.h"

#include "base/crash_maps.h"
#include "base/crash_registers.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    RED_ZONE_BYTES = 128, /* below the stack pointer, that code may use all the same */
    PATIENCE_MS = 2000,   /* with another thread that dies already */
};

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

/* Rule 0: a handler is told nothing but its signal, so what it works with has to stand where it can find it. Written
 * once, before any handler is set, but for what belongs to the death under way. */
static struct {
    struct crash_handler handler;
    struct alternate_stack stack;
    pid_t pid, loop;
    int maps;        /* for crash_maps_read */
    pid_t dying;     /* the thread that came first, 0: none */
    siginfo_t cause; /* of its death */
} state;

/* Rule 0: which thread a handler runs on. Of threads that we have not started it is 0. */
static _Thread_local unsigned pool_thread __attribute__((tls_model("initial-exec"))); /* its number, plus one */

static pid_t own_tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* Not so in a child that a library has forked, which has all of this too; the records are none of its business. */
static bool is_own_process(void)
{
    return state.pid == getpid();
}

static enum crash_thread find_thread(pid_t tid)
{
    return tid == state.loop ? CRASH_THREAD_LOOP : pool_thread != 0 ? CRASH_THREAD_POOL : CRASH_THREAD_OTHER;
}

static const struct slot_call *find_call(enum crash_thread thread)
{
    const struct slot_threads *pool = state.handler.pool_calls;
    if (thread == CRASH_THREAD_LOOP)
        return state.handler.call;
    return thread == CRASH_THREAD_POOL && pool != NULL && pool_thread <= SLOT_THREADS ? &pool->calls[pool_thread - 1]
                                                                                      : NULL;
}

static void set_progress(struct crash_record *record, enum crash_progress progress)
{
    __atomic_store_n(&record->progress, progress, __ATOMIC_RELEASE);
}

/* What is not mapped stays zero: the kernel copies, so that nothing can fault. */
static void copy_stack(struct crash_record *record)
{
    uint64_t start = (record->sp - RED_ZONE_BYTES) & ~(uint64_t)7;
    record->stack_start = start;
    record->stack_length = 0;
    for (size_t done = 0; done < CRASH_STACK_BYTES;) {
        size_t length = CRASH_PAGE_BYTES - (start + done) % CRASH_PAGE_BYTES;
        if (length > CRASH_STACK_BYTES - done)
            length = CRASH_STACK_BYTES - done;
        struct iovec to = {.iov_base = record->stack + done, .iov_len = length};
        struct iovec from = {.iov_base = (void *)(uintptr_t)(start + done), .iov_len = length};
        bool is_copied = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)length;
        /* a sandbox that knows no such call: then it is worth the risk, and a second fault ends it all the same */
        if (!is_copied && (errno == ENOSYS || errno == EPERM)) {
            memcpy(to.iov_base, from.iov_base, length);
            is_copied = true;
        }
        done += length;
        if (is_copied)
            record->stack_length = (uint32_t)done;
        else if (record->stack_length != 0 || done > 2 * CRASH_PAGE_BYTES)
            break;
    }
}

static bool has_address(const siginfo_t *info)
{
    return info->si_code > 0 && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS || info->si_signo == SIGFPE ||
                                 info->si_signo == SIGILL);
}

static bool is_sent(const siginfo_t *info)
{
    return info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE;
}

/* Keeps number. The registers are filled already. */
static void begin_record(struct crash_record *record, enum crash_kind kind, pid_t tid, const siginfo_t *info)
{
    record->magic = CRASH_RECORD_MAGIC;
    record->version = CRASH_RECORD_VERSION;
    record->size = sizeof(*record);
    record->kind = kind;
    record->pid = getpid();
    record->tid = tid;
    if (info != NULL) {
        record->signal = info->si_signo;
        record->code = info->si_code;
        record->fault_address = has_address(info) ? (uint64_t)(uintptr_t)info->si_addr : 0;
        record->sender = is_sent(info) ? info->si_pid : 0;
    }
    record->thread = find_thread(tid);
    const struct slot_call *call = find_call(record->thread);
    if (call != NULL)
        record->call = *call;
    if (tid == own_tid())
        prctl(PR_GET_NAME, record->thread_name);
    set_progress(record, CRASH_BEGUN);
}

static void complete_record(struct crash_record *record)
{
    crash_maps_read(state.maps, record);
    set_progress(record, CRASH_MAPPED);
    copy_stack(record);
    set_progress(record, CRASH_COMPLETE);
}

/* With the default action, and by a signal that looks like the first one. It is blocked while its handler runs, so it
 * strikes when that returns, and a core dump shows what has failed; or at once, where it is let through here. */
static void die(siginfo_t *cause, bool is_urgent)
{
    int number = cause->si_signo;
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), own_tid(), number, cause) == -1)
        syscall(SYS_tgkill, getpid(), own_tid(), number);
    if (!is_urgent)
        return;
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, number);
    sigprocmask(SIG_UNBLOCK, &own, NULL);
}

/* Whoever came first ends the process in a moment; but a thread that hangs on its way must not keep it. */
static void wait_for_death(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS; ++i)
        nanosleep(&moment, NULL);
}

static void on_deadly(int number, siginfo_t *info, void *context)
{
    pid_t tid = own_tid(), first = 0;
    struct crash_record *record = state.handler.crash;
    if (!is_own_process()) {
        die(info, false);
    } else if (__atomic_compare_exchange_n(&state.dying, &first, tid, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        state.cause = *info;
        crash_registers_of_context(context, record);
        begin_record(record, CRASH_SIGNAL, tid, info);
        complete_record(record);
        die(info, false);
    } else if (first == tid) {
        /* a fault in here */
        die(&state.cause, true);
    } else {
        wait_for_death();
        die(info, false);
    }
}

/* One at a time: what another thread is writing is left alone. */
static bool claim_capture(struct crash_record *record)
{
    uint32_t progress = __atomic_load_n(&record->progress, __ATOMIC_ACQUIRE);
    if ((progress != CRASH_EMPTY && progress != CRASH_COMPLETE) ||
        !__atomic_compare_exchange_n(&record->progress, &progress, CRASH_BEGUN, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false;
    record->call = (struct slot_call){.hook = SLOT_HOOK_NONE};
    return true;
}

static void fill_capture(struct crash_record *record, pid_t tid, const siginfo_t *info)
{
    begin_record(record, CRASH_CAPTURE, tid, info);
    __atomic_add_fetch(&record->number, 1, __ATOMIC_RELEASE);
    complete_record(record);
}

static void on_capture(int number, siginfo_t *info, void *context)
{
    struct crash_record *record = state.handler.capture;
    int saved = errno;
    if (is_own_process() && claim_capture(record)) {
        crash_registers_of_context(context, record);
        fill_capture(record, own_tid(), info);
    }
    errno = saved;
}

bool crash_handler_describe_loop(uint64_t pc, uint64_t sp)
{
    struct crash_record *record = state.handler.capture;
    if (!is_own_process() || !claim_capture(record))
        return false;
    crash_registers_set_place(record, pc, sp);
    fill_capture(record, state.loop, NULL);
    return true;
}

static void set_handler(int number, void (*handler)(int number, siginfo_t *info, void *context), int flags)
{
    struct sigaction present, action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &present) == 0 && (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_DFL)
        sigaction(number, &action, NULL);
}

void crash_handler_open(const struct crash_handler *handler)
{
    state.handler = *handler;
    state.pid = getpid();
    state.loop = own_tid();
    state.dying = 0;
    state.maps = crash_maps_open();
    alternate_stack_open(&state.stack);
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); ++i)
        set_handler(deadly[i], on_deadly, 0);
    set_handler(CRASH_CAPTURE_SIGNAL, on_capture, SA_RESTART);
}

void crash_handler_enter_thread(unsigned number, struct alternate_stack *stack)
{
    pool_thread = number + 1;
    alternate_stack_open(stack);
}

void crash_handler_leave_thread(struct alternate_stack *stack)
{
    alternate_stack_close(stack);
    pool_thread = 0;
}

bool crash_handler_is_in_library(void)
{
    if (!is_own_process())
        return false;
    enum crash_thread thread = find_thread(own_tid());
    const struct slot_call *call = find_call(thread);
    return thread == CRASH_THREAD_OTHER || (call != NULL && call->hook != SLOT_HOOK_NONE);
}

struct slot_call crash_handler_call(void)
{
    const struct slot_call *call = find_call(find_thread(own_tid()));
    return call == NULL ? (struct slot_call){.hook = SLOT_HOOK_NONE} : *call;
}

void crash_handler_note_exit(int status)
{
    pid_t first = 0;
    struct crash_record *record = state.handler.crash;
    if (!is_own_process() ||
        !__atomic_compare_exchange_n(&state.dying, &first, own_tid(), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return;
    record->exit_status = status;
    crash_registers_of_caller(record);
    begin_record(record, CRASH_EXIT, own_tid(), NULL);
    complete_record(record);
}

bool crash_handler_ask(pid_t pid, pid_t tid)
{
    return syscall(SYS_tgkill, pid, tid, CRASH_CAPTURE_SIGNAL) == 0;
}
