#include "base/thread_state.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

struct other {
    int pipe[2];
    pid_t tid;
    pthread_mutex_t *mutex; /* NULL: reads from the pipe */
};

static void *wait_there(void *argument)
{
    struct other *other = argument;
    char byte;
    __atomic_store_n(&other->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    if (other->mutex == NULL)
        (void)!read(other->pipe[0], &byte, 1);
    else
        pthread_mutex_lock(other->mutex);
    return NULL;
}

static pid_t start(struct other *other, pthread_t *thread)
{
    pid_t tid;
    assert_int_equal(pthread_create(thread, NULL, wait_there, other), 0);
    while ((tid = __atomic_load_n(&other->tid, __ATOMIC_ACQUIRE)) == 0)
        sched_yield();
    return tid;
}

static void one_that_waits_is_found_in_its_call(void **state)
{
    struct other other = {0};
    uint64_t pc = 0, sp = 0;
    pthread_t thread;
    assert_int_equal(pipe(other.pipe), 0);
    pid_t tid = start(&other, &thread);
    while (!thread_is_waiting(tid, &pc, &sp))
        sched_yield();
    assert_true(pc != 0 && sp != 0);
    assert_false(thread_has_ended(tid));
    assert_int_equal(write(other.pipe[1], "x", 1), 1);
    pthread_join(thread, NULL);
    /* it may still be on its way out */
    while (!thread_has_ended(tid))
        sched_yield();
    close(other.pipe[0]);
    close(other.pipe[1]);
}

static void one_that_wants_a_lock_may_be_asked(void **state)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct other other = {.mutex = &mutex};
    uint64_t pc, sp;
    pthread_t thread;
    pthread_mutex_lock(&mutex);
    pid_t tid = start(&other, &thread);
    for (int i = 0; i < 100; ++i)
        assert_false(thread_is_waiting(tid, &pc, &sp));
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
}

static void one_that_runs_does_not_wait(void **state)
{
    uint64_t pc, sp;
    assert_false(thread_has_ended((pid_t)syscall(SYS_gettid)));
    assert_false(thread_is_waiting(0, &pc, &sp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_waits_is_found_in_its_call),
        cmocka_unit_test(one_that_wants_a_lock_may_be_asked),
        cmocka_unit_test(one_that_runs_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
