#include "filter/pool.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* Threads for work that blocks: what runs beside what, in which order, and what is refused. */

enum {
    MOST_JOBS = 64,
};

struct bench {
    struct pool *pool;
    struct pool_share one, other;
    sem_t has_begun; /* posted by each job */
    sem_t may_end;   /* awaited by each job that is held */
    pthread_mutex_t mutex;
    unsigned running, most_running;
    int order[MOST_JOBS]; /* numbers of jobs, as they began */
    unsigned begun, done;
    pthread_t loop;
};

struct job {
    struct pool_job job;
    struct bench *bench;
    int number;
    bool is_held;
    unsigned again; /* how often it is to be added once more */
};

static void ignore_wake(void *context)
{
}

static struct bench *create_bench(unsigned threads, unsigned queue, unsigned share_percent)
{
    struct pool_settings settings = {.threads = threads, .queue = queue, .share_percent = share_percent};
    struct bench *bench = mem_zalloc(sizeof(*bench));
    bench->pool = pool_create(&settings, ignore_wake, NULL);
    bench->loop = pthread_self();
    pool_share_init(&bench->one, bench->pool, 0);
    pool_share_init(&bench->other, bench->pool, 0);
    pthread_mutex_init(&bench->mutex, NULL);
    sem_init(&bench->has_begun, 0, 0);
    sem_init(&bench->may_end, 0, 0);
    return bench;
}

static void destroy_bench(struct bench *bench)
{
    pool_destroy(bench->pool);
    sem_destroy(&bench->has_begun);
    sem_destroy(&bench->may_end);
    pthread_mutex_destroy(&bench->mutex);
    free(bench);
}

static void begin(struct job *job)
{
    struct bench *bench = job->bench;
    pthread_mutex_lock(&bench->mutex);
    bench->order[bench->begun++] = job->number;
    if (++bench->running > bench->most_running)
        bench->most_running = bench->running;
    pthread_mutex_unlock(&bench->mutex);
    sem_post(&bench->has_begun);
}

static void work(struct pool_job *base, unsigned thread)
{
    struct job *job = (struct job *)base;
    struct bench *bench = job->bench;
    begin(job);
    if (job->is_held)
        sem_wait(&bench->may_end);
    pthread_mutex_lock(&bench->mutex);
    --bench->running;
    pthread_mutex_unlock(&bench->mutex);
    if (pthread_equal(pthread_self(), bench->loop))
        abort();
}

static void on_done(struct pool_job *base)
{
    struct job *job = (struct job *)base;
    assert_true(pthread_equal(pthread_self(), job->bench->loop));
    assert_int_equal(job->job.state, POOL_JOB_IDLE);
    ++job->bench->done;
    if (job->again != 0) {
        --job->again;
        assert_true(pool_add(job->job.share, &job->job));
    }
}

static void make_jobs(struct bench *bench, struct job *jobs, unsigned count, int first_number, bool is_held)
{
    for (unsigned i = 0; i < count; ++i)
        jobs[i] = (struct job){.job = {.work = work, .done = on_done},
                               .bench = bench,
                               .number = first_number + (int)i,
                               .is_held = is_held};
}

static void add_jobs(struct pool_share *share, struct job *jobs, unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        assert_true(pool_add(share, &jobs[i].job));
}

static void wait_for(sem_t *semaphore, unsigned count)
{
    while (count-- != 0)
        sem_wait(semaphore);
}

static void end_jobs(struct bench *bench, unsigned held, unsigned done)
{
    while (held-- != 0)
        sem_post(&bench->may_end);
    while (bench->done < done) {
        pool_wait_done(bench->pool);
        pool_run_done(bench->pool);
    }
}

static void work_is_done_elsewhere_and_told_here(void **state)
{
    struct bench *bench = create_bench(4, 0, 100);
    struct job job;
    make_jobs(bench, &job, 1, 1, false);
    job.again = 3;
    add_jobs(&bench->one, &job, 1);
    end_jobs(bench, 0, 4);
    assert_int_equal(bench->begun, 4);
    destroy_bench(bench);
}

static void as_many_run_at_once_as_there_may_be_threads(void **state)
{
    struct bench *bench = create_bench(16, 32, 100);
    struct job jobs[40];
    make_jobs(bench, jobs, 40, 0, true);
    add_jobs(&bench->one, jobs, 40);
    wait_for(&bench->has_begun, 16);
    assert_int_equal(bench->running, 16);
    end_jobs(bench, 40, 40);
    assert_int_equal(bench->most_running, 16);
    destroy_bench(bench);
}

static void who_hangs_leaves_the_others_their_share(void **state)
{
    struct bench *bench = create_bench(8, 16, 25);
    struct job hanging[6], others[3];
    make_jobs(bench, hanging, 6, 0, true);
    make_jobs(bench, others, 3, 100, false);
    add_jobs(&bench->one, hanging, 6);
    assert_false(pool_add(&bench->one, &others[0].job)); /* 2 of 8 threads, and 4 of 16 places */
    wait_for(&bench->has_begun, 2);
    add_jobs(&bench->other, others, 3);
    end_jobs(bench, 0, 3);
    assert_int_equal(bench->running, 2);
    end_jobs(bench, 6, 9);
    assert_true(bench->most_running <= 4);
    destroy_bench(bench);
}

static void libraries_take_turns(void **state)
{
    struct bench *bench = create_bench(1, 32, 100);
    struct job first, many[10], few[2];
    make_jobs(bench, &first, 1, 0, true);
    make_jobs(bench, many, 10, 10, false);
    make_jobs(bench, few, 2, 20, false);
    add_jobs(&bench->one, &first, 1);
    wait_for(&bench->has_begun, 1);
    add_jobs(&bench->one, many, 10);
    add_jobs(&bench->other, few, 2);
    end_jobs(bench, 1, 13);
    const int expected[] = {0, 20, 10, 21, 11, 12, 13};
    assert_memory_equal(bench->order, expected, sizeof(expected));
    destroy_bench(bench);
}

static void what_waits_can_be_taken_back(void **state)
{
    struct bench *bench = create_bench(1, 4, 100);
    struct job jobs[3];
    make_jobs(bench, jobs, 3, 0, true);
    add_jobs(&bench->one, jobs, 2);
    wait_for(&bench->has_begun, 1);
    assert_false(pool_remove(bench->pool, &jobs[0].job));
    assert_true(pool_remove(bench->pool, &jobs[1].job));
    assert_false(pool_remove(bench->pool, &jobs[1].job));
    add_jobs(&bench->one, &jobs[2], 1);
    end_jobs(bench, 2, 2);
    const int expected[] = {0, 2};
    assert_int_equal(bench->begun, 2);
    assert_memory_equal(bench->order, expected, sizeof(expected));
    destroy_bench(bench);
}

static void a_full_queue_takes_no_more(void **state)
{
    struct bench *bench = create_bench(1, 2, 100);
    struct job jobs[5];
    make_jobs(bench, jobs, 5, 0, true);
    add_jobs(&bench->one, jobs, 2);
    add_jobs(&bench->other, jobs + 2, 1);
    assert_false(pool_add(&bench->one, &jobs[3].job));
    assert_false(pool_add(&bench->other, &jobs[3].job));
    assert_true(pool_remove(bench->pool, &jobs[2].job));
    add_jobs(&bench->other, jobs + 3, 1);
    assert_false(pool_add(&bench->other, &jobs[4].job));
    end_jobs(bench, 3, 3);
    add_jobs(&bench->other, jobs + 4, 1);
    end_jobs(bench, 1, 4);
    destroy_bench(bench);
}

static void nobody_s_share_is_less_than_a_thread(void **state)
{
    struct bench *bench = create_bench(3, 0, 25);
    struct job job;
    make_jobs(bench, &job, 1, 0, false);
    add_jobs(&bench->one, &job, 1);
    end_jobs(bench, 0, 1);
    destroy_bench(bench);
}

static void jobs_of_a_line_follow_each_other(void **state)
{
    struct bench *bench = create_bench(8, 64, 100);
    struct pool_line line;
    struct job jobs[20], aside[2];
    pool_line_init(&line);
    make_jobs(bench, jobs, 20, 0, false);
    make_jobs(bench, aside, 2, 100, true);
    jobs[0].is_held = true;
    for (int i = 0; i < 20; ++i)
        jobs[i].job.line = &line;
    add_jobs(&bench->one, jobs, 20);
    wait_for(&bench->has_begun, 1);
    add_jobs(&bench->one, aside, 2);
    wait_for(&bench->has_begun, 2);
    assert_int_equal(bench->most_running, 3);
    assert_true(pool_remove(bench->pool, &jobs[1].job));
    end_jobs(bench, 3, 21);
    for (int i = 3; i < 21; ++i)
        assert_int_equal(bench->order[i], i - 1);
    assert_int_equal(bench->most_running, 3);
    destroy_bench(bench);
}

static void a_line_goes_on_behind_what_is_taken_back(void **state)
{
    struct bench *bench = create_bench(1, 8, 100);
    struct pool_line line;
    struct job first, jobs[2];
    pool_line_init(&line);
    make_jobs(bench, &first, 1, 0, true);
    make_jobs(bench, jobs, 2, 1, false);
    jobs[0].job.line = jobs[1].job.line = &line;
    add_jobs(&bench->one, &first, 1);
    wait_for(&bench->has_begun, 1);
    add_jobs(&bench->one, jobs, 2);
    assert_true(pool_remove(bench->pool, &jobs[0].job));
    end_jobs(bench, 1, 2);
    assert_int_equal(bench->order[1], 2);
    destroy_bench(bench);
}

struct mask_job {
    struct pool_job job;
    sigset_t mask;
    bool is_done;
};

static void look_at_mask(struct pool_job *job, unsigned thread)
{
    pthread_sigmask(SIG_SETMASK, NULL, &((struct mask_job *)job)->mask);
}

static void note_done(struct pool_job *job)
{
    ((struct mask_job *)job)->is_done = true;
}

static void signals_of_the_process_stay_with_the_loop(void **state)
{
    struct bench *bench = create_bench(2, 0, 100);
    struct mask_job look = {.job = {.work = look_at_mask, .done = note_done}};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(pool_add(&bench->one, &look.job));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    pool_wait_done(bench->pool);
    pool_run_done(bench->pool);
    assert_true(look.is_done);
    assert_true(sigismember(&look.mask, SIGTERM) && sigismember(&look.mask, SIGHUP) &&
                sigismember(&look.mask, SIGCHLD));
    assert_false(sigismember(&look.mask, SIGSEGV) || sigismember(&look.mask, SIGFPE));
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    destroy_bench(bench);
}

static pthread_key_t own_key;
static unsigned tidied; /* threads */

static void own(struct pool_job *base, unsigned thread)
{
    pthread_setspecific(own_key, &tidied);
    work(base, thread);
}

static void tidy_slowly(void *data)
{
    struct timespec long_enough = {.tv_nsec = 20 * 1000 * 1000};
    nanosleep(&long_enough, NULL);
    __atomic_add_fetch(&tidied, 1, __ATOMIC_SEQ_CST);
}

static void threads_have_tidied_up_at_the_end(void **state)
{
    struct bench *bench = create_bench(4, 0, 100);
    struct job jobs[4];
    assert_int_equal(pthread_key_create(&own_key, tidy_slowly), 0);
    make_jobs(bench, jobs, 4, 1, true);
    for (size_t i = 0; i < 4; ++i)
        jobs[i].job.work = own;
    add_jobs(&bench->one, jobs, 4);
    wait_for(&bench->has_begun, 4);
    end_jobs(bench, 4, 4);
    destroy_bench(bench);
    assert_int_equal(tidied, 4);
    pthread_key_delete(own_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_done_elsewhere_and_told_here),
        cmocka_unit_test(as_many_run_at_once_as_there_may_be_threads),
        cmocka_unit_test(who_hangs_leaves_the_others_their_share),
        cmocka_unit_test(libraries_take_turns),
        cmocka_unit_test(what_waits_can_be_taken_back),
        cmocka_unit_test(a_full_queue_takes_no_more),
        cmocka_unit_test(nobody_s_share_is_less_than_a_thread),
        cmocka_unit_test(jobs_of_a_line_follow_each_other),
        cmocka_unit_test(a_line_goes_on_behind_what_is_taken_back),
        cmocka_unit_test(signals_of_the_process_stay_with_the_loop),
        cmocka_unit_test(threads_have_tidied_up_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
