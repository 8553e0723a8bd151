#include "filter/pool.h"

#include "base/alloc.h"
#include "base/crash_handler.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    IDLE_S = 30, /* after which a thread ends */
    NAME_BYTES = 16,
};

TAILQ_HEAD(pool_shares, pool_share);

struct pool {
    struct pool_settings settings;
    void (*wake)(void *context);
    void *context;
    pthread_mutex_t mutex; /* guards all that follows, and what shares, lines and jobs say of themselves */
    pthread_cond_t has_ready;
    pthread_cond_t has_done;
    struct pool_shares shares; /* with a ready job and a thread to spare; the one whose turn it is comes first */
    struct pool_jobs done;
    size_t pending; /* jobs that run or wait */
    unsigned thread_count, idle_count;
    struct thread *threads; /* by their numbers */
    bool is_stopping;
};

struct thread {
    struct pool *pool;
    unsigned number;
    pthread_t id;
    bool is_running; /* and not on its way out by itself */
};

struct pool *pool_create(const struct pool_settings *settings, void (*wake)(void *context), void *context)
{
    struct pool *pool = mem_zalloc(sizeof(*pool));
    pool->settings = *settings;
    pool->wake = wake;
    pool->context = context;
    pool->threads = mem_zalloc(settings->threads * sizeof(*pool->threads));
    TAILQ_INIT(&pool->shares);
    TAILQ_INIT(&pool->done);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->has_ready, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_cond_init(&pool->has_done, NULL);
    return pool;
}

void pool_destroy(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->has_ready);
    pthread_mutex_unlock(&pool->mutex);
    /* at its end a thread runs destructors of libraries: nothing of these may go before it has */
    for (unsigned i = 0; i < pool->settings.threads; ++i) {
        if (pool->threads[i].is_running)
            pthread_join(pool->threads[i].id, NULL);
    }
    pthread_cond_destroy(&pool->has_ready);
    pthread_cond_destroy(&pool->has_done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}

void pool_share_init(struct pool_share *share, struct pool *pool, unsigned percent)
{
    const struct pool_settings *settings = &pool->settings;
    if (percent == 0)
        percent = settings->share_percent;
    *share = (struct pool_share){.pool = pool};
    share->most_running = settings->threads * percent / 100;
    if (share->most_running == 0)
        share->most_running = 1;
    share->most_pending = share->most_running + (size_t)settings->queue * percent / 100;
    TAILQ_INIT(&share->ready);
}

void pool_line_init(struct pool_line *line)
{
    *line = (struct pool_line){.is_busy = false};
    TAILQ_INIT(&line->waiting);
}

/* Whether a thread may take a job of it has changed. */
static void list_share(struct pool *pool, struct pool_share *share)
{
    bool is_able = share->ready_count != 0 && share->running < share->most_running;
    if (is_able == share->is_listed)
        return;
    share->is_listed = is_able;
    if (is_able)
        TAILQ_INSERT_TAIL(&pool->shares, share, entry);
    else
        TAILQ_REMOVE(&pool->shares, share, entry);
}

static void make_ready(struct pool *pool, struct pool_job *job)
{
    struct pool_share *share = job->share;
    job->state = POOL_JOB_READY;
    TAILQ_INSERT_TAIL(&share->ready, job, entry);
    ++share->ready_count;
    list_share(pool, share);
}

/* Takes a job of the share whose turn it is, which goes to the end. */
static struct pool_job *take_job(struct pool *pool)
{
    struct pool_share *share = TAILQ_FIRST(&pool->shares);
    if (share == NULL)
        return NULL;
    struct pool_job *job = TAILQ_FIRST(&share->ready);
    TAILQ_REMOVE(&share->ready, job, entry);
    TAILQ_REMOVE(&pool->shares, share, entry);
    share->is_listed = false;
    --share->ready_count;
    ++share->running;
    list_share(pool, share);
    job->state = POOL_JOB_RUNNING;
    return job;
}

/* The next one in the job's line may go on. */
static void leave_line(struct pool *pool, struct pool_line *line)
{
    if (line == NULL)
        return;
    struct pool_job *next = TAILQ_FIRST(&line->waiting);
    line->is_busy = next != NULL;
    if (next == NULL)
        return;
    TAILQ_REMOVE(&line->waiting, next, entry);
    make_ready(pool, next);
}

static void forget_pending(struct pool *pool, struct pool_share *share)
{
    --share->pending;
    --pool->pending;
}

static void end_job(struct pool *pool, struct pool_job *job)
{
    struct pool_share *share = job->share;
    --share->running;
    forget_pending(pool, share);
    list_share(pool, share);
    leave_line(pool, job->line);
    job->state = POOL_JOB_DONE;
    bool is_first = TAILQ_EMPTY(&pool->done);
    TAILQ_INSERT_TAIL(&pool->done, job, entry);
    pthread_cond_signal(&pool->has_done);
    /* under the mutex: the loop could otherwise take it, and end everything, before the wake */
    if (is_first)
        pool->wake(pool->context);
}

/* Returns false where there was nothing to do for long. */
static bool wait_for_job(struct pool *pool)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    ++pool->idle_count;
    int problem = pthread_cond_timedwait(&pool->has_ready, &pool->mutex, &until);
    --pool->idle_count;
    return problem != ETIMEDOUT || !TAILQ_EMPTY(&pool->shares);
}

/* With pthread_exit. Whoever waits for what it was doing would wait for ever, and what it has locked stays so. What it
 * ran is still in the slot. */
static void on_exit_of_thread(void *data)
{
    log_line(LOG_LEVEL_ERROR, "code of a library has ended a thread that is not its own; the process cannot go on");
    abort();
}

static void work(struct pool_job *job, unsigned thread)
{
    pthread_cleanup_push(on_exit_of_thread, NULL);
    job->work(job, thread);
    pthread_cleanup_pop(0);
}

/* One that has had nothing to do is waited for by nobody, and its number is free again. */
static void leave(struct thread *thread)
{
    struct pool *pool = thread->pool;
    if (pool->is_stopping)
        return;
    pthread_detach(thread->id);
    thread->is_running = false;
    --pool->thread_count;
}

static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct pool *pool = thread->pool;
    struct alternate_stack stack;
    crash_handler_enter_thread(thread->number, &stack);
    pthread_mutex_lock(&pool->mutex);
    while (!pool->is_stopping) {
        struct pool_job *job = take_job(pool);
        if (job != NULL) {
            pthread_mutex_unlock(&pool->mutex);
            work(job, thread->number);
            pthread_mutex_lock(&pool->mutex);
            end_job(pool, job);
        } else if (!wait_for_job(pool)) {
            break;
        }
    }
    crash_handler_leave_thread(&stack);
    leave(thread);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals that say what a thread itself has done stay with it: runtimes of languages live by them. So does the one that
 * asks it where it is. */
static void block_signals(sigset_t *before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, CRASH_CAPTURE_SIGNAL};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); ++i)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

/* A thread with all the signals blocked that its maker has blocked. Returns an error's number, 0 for none. */
static int create_thread(struct thread *thread)
{
    sigset_t before;
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "pool %u", thread->number);
    block_signals(&before);
    int problem = pthread_create(&thread->id, NULL, run_thread, thread);
    /* the mutex is held, so the thread has not ended yet */
    if (problem == 0)
        pthread_setname_np(thread->id, name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

static bool start_thread(struct pool *pool)
{
    unsigned number = 0;
    while (pool->threads[number].is_running)
        ++number;
    struct thread *thread = &pool->threads[number];
    *thread = (struct thread){.pool = pool, .number = number, .is_running = true};
    int problem = create_thread(thread);
    if (problem == 0) {
        ++pool->thread_count;
        return true;
    }
    thread->is_running = false;
    log_line(LOG_LEVEL_ERROR, "cannot start a thread for work that blocks, beside %u: %s", pool->thread_count,
             strerror(problem));
    return false;
}

/* How many jobs wait for nothing but a thread. */
static size_t count_takable(const struct pool *pool)
{
    const struct pool_share *share;
    size_t count = 0;
    TAILQ_FOREACH(share, &pool->shares, entry)
    {
        size_t spare = share->most_running - share->running;
        count += spare < share->ready_count ? spare : share->ready_count;
    }
    return count;
}

/* Returns false where there is no thread, and none can be started. */
static bool find_thread(struct pool *pool)
{
    if (pool->idle_count != 0)
        pthread_cond_signal(&pool->has_ready);
    if (count_takable(pool) <= pool->idle_count || pool->thread_count == pool->settings.threads)
        return true;
    return start_thread(pool) || pool->thread_count != 0;
}

static void unlink_job(struct pool *pool, struct pool_job *job)
{
    struct pool_share *share = job->share;
    if (job->state == POOL_JOB_IN_LINE) {
        TAILQ_REMOVE(&job->line->waiting, job, entry);
    } else {
        TAILQ_REMOVE(&share->ready, job, entry);
        --share->ready_count;
        list_share(pool, share);
        leave_line(pool, job->line);
    }
    forget_pending(pool, share);
    job->state = POOL_JOB_IDLE;
}

static bool has_place(const struct pool_share *share)
{
    const struct pool *pool = share->pool;
    return share->pending < share->most_pending &&
           pool->pending < pool->settings.threads + (size_t)pool->settings.queue;
}

bool pool_add(struct pool_share *share, struct pool_job *job)
{
    struct pool *pool = share->pool;
    bool is_added = false;
    pthread_mutex_lock(&pool->mutex);
    if (job->is_owed || has_place(share)) {
        job->share = share;
        ++share->pending;
        ++pool->pending;
        is_added = true;
        if (job->line != NULL && job->line->is_busy) {
            job->state = POOL_JOB_IN_LINE;
            TAILQ_INSERT_TAIL(&job->line->waiting, job, entry);
        } else {
            if (job->line != NULL)
                job->line->is_busy = true;
            make_ready(pool, job);
            is_added = find_thread(pool);
        }
        if (!is_added)
            unlink_job(pool, job);
    }
    pthread_mutex_unlock(&pool->mutex);
    return is_added;
}

bool pool_remove(struct pool *pool, struct pool_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    bool is_waiting = job->state == POOL_JOB_IN_LINE || job->state == POOL_JOB_READY;
    if (is_waiting)
        unlink_job(pool, job);
    pthread_mutex_unlock(&pool->mutex);
    return is_waiting;
}

static struct pool_job *take_done(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct pool_job *job = TAILQ_FIRST(&pool->done);
    if (job != NULL) {
        TAILQ_REMOVE(&pool->done, job, entry);
        job->state = POOL_JOB_IDLE;
    }
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

void pool_run_done(struct pool *pool)
{
    for (struct pool_job *job = take_done(pool); job != NULL; job = take_done(pool))
        job->done(job);
}

void pool_wait_done(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (TAILQ_EMPTY(&pool->done))
        pthread_cond_wait(&pool->has_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
