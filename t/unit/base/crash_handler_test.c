#include "base/crash_handler.h"

#include "base/spawn.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

struct shared {
    struct slot_call call;
    struct slot_threads threads;
    struct crash_record crash, capture;
};

static struct shared *shared;

static int map(void **state)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED;
}

static int unmap(void **state)
{
    return munmap(shared, sizeof(*shared));
}

static void open_handler(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    /* a sanitizer's stay out of this */
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); ++i)
        signal(deadly[i], SIG_DFL);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    strcpy(shared->call.filter, "guilty");
    shared->call.hook = SLOT_HOOK_END;
    strcpy(shared->threads.calls[3].filter, "beside");
    shared->threads.calls[3].hook = SLOT_HOOK_OFFLOAD;
    crash_handler_open(&(struct crash_handler){
        .crash = &shared->crash,
        .capture = &shared->capture,
        .call = &shared->call,
        .pool_calls = &shared->threads,
    });
}

/* Returns the status of its end. */
static int run(int (*work)(void *data))
{
    int status;
    memset(shared, 0, sizeof(*shared));
    pid_t pid = spawn_copy(work, NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_crash(int (*work)(void *data), int number, enum crash_thread thread, const char *filter)
{
    int status = run(work);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_true(crash_record_check(&shared->crash));
    assert_int_equal(shared->crash.kind, CRASH_SIGNAL);
    assert_int_equal(shared->crash.signal, number);
    assert_int_equal(shared->crash.thread, thread);
    assert_string_equal(shared->crash.call.filter, filter);
    assert_int_equal(shared->crash.progress, CRASH_COMPLETE);
    assert_int_not_equal(shared->crash.stack_length, 0);
}

__attribute__((no_sanitize("undefined", "address"))) static int write_nowhere(void *data)
{
    volatile int *volatile nowhere = (volatile int *)8;
    open_handler();
    *nowhere = 1;
    return 0;
}

static void test_a_fault_leaves_a_record(void **state)
{
    check_crash(write_nowhere, SIGSEGV, CRASH_THREAD_LOOP, "guilty");
    assert_int_equal(shared->crash.fault_address, 8);
    assert_int_equal(shared->crash.sender, 0);
    const struct crash_mapping *mapping = crash_record_find_mapping(&shared->crash, shared->crash.pc);
    assert_non_null(mapping);
    assert_non_null(strstr(crash_record_path(&shared->crash, mapping), "crash_handler"));
    uint64_t frames[CRASH_FRAMES];
    if (!is_sanitized)
        assert_in_range(crash_record_walk(&shared->crash, frames, CRASH_FRAMES), 3, CRASH_FRAMES);
}

static int call_nowhere(void *data)
{
    void (*volatile nowhere)(void) = NULL;
    open_handler();
    nowhere();
    return 1;
}

static void test_a_call_of_address_0_can_be_taken_back(void **state)
{
    if (is_sanitized)
        return;
    check_crash(call_nowhere, SIGSEGV, CRASH_THREAD_LOOP, "guilty");
    assert_int_equal(shared->crash.pc, 0);
    assert_true(crash_record_leave_nowhere(&shared->crash));
    assert_non_null(crash_record_find_mapping(&shared->crash, shared->crash.pc));
}

static int abort_now(void *data)
{
    open_handler();
    abort();
}

static int send_to_itself(void *data)
{
    open_handler();
    return kill(getpid(), SIGFPE);
}

static void test_signals_that_were_sent_tell_of_whom(void **state)
{
    check_crash(abort_now, SIGABRT, CRASH_THREAD_LOOP, "guilty");
    assert_int_equal(shared->crash.sender, shared->crash.pid);
    check_crash(send_to_itself, SIGFPE, CRASH_THREAD_LOOP, "guilty");
    assert_int_equal(shared->crash.fault_address, 0);
}

static volatile int deep, never = -1;

__attribute__((noinline, no_sanitize("address"))) static int fall(int depth)
{
    volatile char room[512];
    room[0] = (char)depth;
    if (depth != never)
        deep = fall(depth + 1) + room[0];
    return deep;
}

static int overflow(void *data)
{
    open_handler();
    return fall(0);
}

static void *overflow_in_pool(void *data)
{
    struct alternate_stack stack;
    crash_handler_enter_thread(3, &stack);
    fall(0);
    return NULL;
}

static int overflow_on_thread(void *data)
{
    pthread_t thread;
    open_handler();
    pthread_create(&thread, NULL, overflow_in_pool, NULL);
    pthread_join(thread, NULL);
    return 0;
}

static void test_a_stack_that_runs_over_leaves_a_record(void **state)
{
    if (is_sanitized)
        return;
    check_crash(overflow, SIGSEGV, CRASH_THREAD_LOOP, "guilty");
    check_crash(overflow_on_thread, SIGSEGV, CRASH_THREAD_POOL, "beside");
}

static void *crash_elsewhere(void *data)
{
    prctl(PR_SET_NAME, "stranger");
    raise(SIGBUS);
    return NULL;
}

static int crash_on_unknown_thread(void *data)
{
    pthread_t thread;
    open_handler();
    pthread_create(&thread, NULL, crash_elsewhere, NULL);
    pthread_join(thread, NULL);
    return 0;
}

static void test_a_thread_that_nobody_knows_is_put_down_to_no_filter(void **state)
{
    check_crash(crash_on_unknown_thread, SIGBUS, CRASH_THREAD_OTHER, "");
    assert_string_equal(shared->crash.thread_name, "stranger");
}

/* The record's second half cannot be written: the handler itself fails. */
static int fail_twice(void *data)
{
    open_handler();
    uintptr_t start = (uintptr_t)shared->crash.paths & ~(uintptr_t)4095;
    mprotect((void *)start, 4096, PROT_NONE);
    raise(SIGFPE);
    return 0;
}

static void test_a_fault_in_the_handler_ends_it_by_the_first_signal(void **state)
{
    int status = run(fail_twice);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGFPE);
    assert_true(crash_record_check(&shared->crash));
    assert_int_equal(shared->crash.progress, CRASH_BEGUN);
    assert_int_not_equal(shared->crash.pc, 0);
    assert_int_equal(shared->crash.mapping_count, 0);
}

static void *wait_long(void *data)
{
    struct alternate_stack stack;
    crash_handler_enter_thread(3, &stack);
    *(pid_t *)data = (pid_t)syscall(SYS_gettid);
    while (data != NULL)
        pause();
    return NULL;
}

static int ask_thread(void *data)
{
    static volatile pid_t tid;
    pthread_t thread;
    open_handler();
    pthread_create(&thread, NULL, wait_long, (void *)&tid);
    while (tid == 0)
        sched_yield();
    for (uint32_t round = 1; round <= 2; ++round) {
        if (!crash_handler_ask(getpid(), tid))
            return 1;
        while (__atomic_load_n(&shared->capture.number, __ATOMIC_ACQUIRE) != round ||
               __atomic_load_n(&shared->capture.progress, __ATOMIC_ACQUIRE) != CRASH_COMPLETE)
            sched_yield();
    }
    return shared->capture.tid == tid ? 7 : 2;
}

static void test_a_thread_that_lives_can_be_asked(void **state)
{
    int status = run(ask_thread);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_true(crash_record_check(&shared->capture));
    assert_int_equal(shared->capture.kind, CRASH_CAPTURE);
    assert_int_equal(shared->capture.thread, CRASH_THREAD_POOL);
    assert_string_equal(shared->capture.call.filter, "beside");
    assert_false(crash_record_check(&shared->crash));
}

static int note_exit(void *data)
{
    open_handler();
    bool is_in_library = crash_handler_is_in_library();
    shared->call.hook = SLOT_HOOK_NONE;
    bool is_still = crash_handler_is_in_library();
    crash_handler_note_exit(3);
    return is_in_library && !is_still ? 3 : 0;
}

static void test_an_exit_leaves_a_record(void **state)
{
    int status = run(note_exit);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_true(crash_record_check(&shared->crash));
    assert_int_equal(shared->crash.kind, CRASH_EXIT);
    assert_int_equal(shared->crash.exit_status, 3);
    assert_non_null(crash_record_find_mapping(&shared->crash, shared->crash.pc));
}

static volatile sig_atomic_t was_there;

static void on_signal(int number)
{
    was_there = number;
}

static int keep_handler(void *data)
{
    open_handler();
    signal(SIGUSR1, on_signal);
    signal(SIGILL, on_signal);
    crash_handler_open(&(struct crash_handler){.crash = &shared->crash, .capture = &shared->capture});
    raise(SIGILL);
    return was_there == SIGILL ? 5 : 0;
}

static void test_a_handler_that_is_there_already_stays(void **state)
{
    assert_int_equal(WEXITSTATUS(run(keep_handler)), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_leaves_a_record),
        cmocka_unit_test(test_a_call_of_address_0_can_be_taken_back),
        cmocka_unit_test(test_signals_that_were_sent_tell_of_whom),
        cmocka_unit_test(test_a_stack_that_runs_over_leaves_a_record),
        cmocka_unit_test(test_a_thread_that_nobody_knows_is_put_down_to_no_filter),
        cmocka_unit_test(test_a_fault_in_the_handler_ends_it_by_the_first_signal),
        cmocka_unit_test(test_a_thread_that_lives_can_be_asked),
        cmocka_unit_test(test_an_exit_leaves_a_record),
        cmocka_unit_test(test_a_handler_that_is_there_already_stays),
    };
    return cmocka_run_group_tests(tests, map, unmap);
}
