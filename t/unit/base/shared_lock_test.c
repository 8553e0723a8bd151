#include "base/shared_lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PROCESSES = 4,
    TURNS = 20000,
};

struct shared {
    struct shared_lock lock;
    uint32_t is_held;
    uint64_t count; /* changed under the lock, without an atomic operation */
};

static struct shared *make_shared(void)
{
    void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void finish_shared(struct shared *shared)
{
    munmap(shared, sizeof(*shared));
}

static void count_up(struct shared *shared, uint32_t holder)
{
    for (int i = 0; i < TURNS; ++i) {
        if (!shared_lock_take(&shared->lock, holder))
            abort();
        volatile uint64_t *count = &shared->count;
        *count = *count + 1;
        shared_lock_release(&shared->lock, holder);
    }
}

static void *count_up_in_thread(void *data)
{
    count_up(data, 0);
    return NULL;
}

static void one_holds_it_at_a_time(void **state)
{
    struct shared *shared = make_shared();
    pid_t pids[PROCESSES];
    pthread_t thread;
    for (uint32_t i = 0; i < PROCESSES; ++i) {
        pids[i] = fork();
        if (pids[i] == 0) {
            count_up(shared, i + 1);
            _exit(EXIT_SUCCESS);
        }
    }
    assert_int_equal(pthread_create(&thread, NULL, count_up_in_thread, shared), 0);
    count_up(shared, 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < PROCESSES; ++i) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(shared->count, (PROCESSES + 2) * TURNS);
    assert_int_equal(shared->lock.word, 0);
    finish_shared(shared);
}

static pid_t start_holder(struct shared *shared, uint32_t number)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (!shared_lock_take(&shared->lock, number))
            abort();
        __atomic_store_n(&shared->is_held, 1, __ATOMIC_RELEASE);
        for (;;)
            pause();
    }
    while (__atomic_load_n(&shared->is_held, __ATOMIC_ACQUIRE) == 0)
        sched_yield();
    return pid;
}

static void end_holder(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void who_comes_after_a_dead_holder_is_told(void **state)
{
    struct shared *shared = make_shared();
    end_holder(start_holder(shared, 7));
    shared_lock_bury(&shared->lock, 8);
    assert_int_not_equal(shared->lock.word, 0);
    shared_lock_bury(&shared->lock, 7);
    assert_false(shared_lock_take(&shared->lock, 1));
    shared_lock_release(&shared->lock, 1);
    assert_true(shared_lock_take(&shared->lock, 1));
    shared_lock_release(&shared->lock, 1);
    shared_lock_bury(&shared->lock, 1);
    assert_int_equal(shared->lock.word, 0);
    finish_shared(shared);
}

static void *take_in_thread(void *data)
{
    struct shared *shared = data;
    bool is_whole = shared_lock_take(&shared->lock, 2);
    shared_lock_release(&shared->lock, 2);
    return is_whole ? data : NULL;
}

/* The funeral wakes who sleeps, long before its patience ends or not: either way it gets the lock and is told. */
static void who_waits_meanwhile_is_told_too(void **state)
{
    struct shared *shared = make_shared();
    void *result;
    pthread_t thread;
    pid_t pid = start_holder(shared, 7);
    assert_int_equal(pthread_create(&thread, NULL, take_in_thread, shared), 0);
    end_holder(pid);
    shared_lock_bury(&shared->lock, 7);
    pthread_join(thread, &result);
    assert_null(result);
    assert_int_equal(shared->lock.word, 0);
    finish_shared(shared);
}

static void nonsense_is_taken_by_force(void **state)
{
    static const uint32_t words[] = {UINT32_MAX, 77, 1u << 31, 1u << 25};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        struct shared *shared = make_shared();
        shared->lock = (struct shared_lock){words[i], UINT32_MAX};
        assert_false(shared_lock_take(&shared->lock, 1));
        shared_lock_release(&shared->lock, 1);
        assert_int_equal(shared->lock.word, 0);
        finish_shared(shared);
    }
}

static void who_lost_it_lets_it_alone(void **state)
{
    struct shared *shared = make_shared();
    assert_true(shared_lock_take(&shared->lock, 1));
    assert_false(shared_lock_take(&shared->lock, 2));
    uint32_t word = shared->lock.word;
    shared_lock_release(&shared->lock, 1);
    assert_int_equal(shared->lock.word, word);
    shared_lock_release(&shared->lock, 2);
    assert_int_equal(shared->lock.word, 0);
    finish_shared(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_it_at_a_time),          cmocka_unit_test(who_comes_after_a_dead_holder_is_told),
        cmocka_unit_test(who_waits_meanwhile_is_told_too), cmocka_unit_test(nonsense_is_taken_by_force),
        cmocka_unit_test(who_lost_it_lets_it_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
