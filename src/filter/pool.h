#ifndef FLEXILIB_FILTER_POOL_H
#define FLEXILIB_FILTER_POOL_H

/* Threads for work that blocks, which the loop must not do: those of one worker, shared by all of its libraries. A
 * thread is started when there is work that no other is free for, up to a limit, and ends when it had nothing to do for
 * a while. Libraries take turns, and each has a share of the threads and of the places to wait in, so that one whose
 * work hangs, or who floods the pool, leaves the others theirs. It knows nothing of filters or exchanges.
 *
 * All calls are on the loop thread, but for a job's work. Signals that are sent to the process never reach a thread of
 * the pool. */

#include "config/settings.h"

#include <sys/queue.h>

struct pool;

enum pool_job_state {
    POOL_JOB_IDLE = 0, /* not in the pool; zero bytes are such a job */
    POOL_JOB_IN_LINE,
    POOL_JOB_READY,
    POOL_JOB_RUNNING,
    POOL_JOB_DONE, /* its work has been done, done not called yet */
};

/* One piece of work, embedded in what it is for. work, done, line and is_owed are the owner's, the rest is the pool's.
 */
struct pool_job {
    void (*work)(struct pool_job *job, unsigned thread); /* on that thread of the pool, counted from 0 */
    void (*done)(struct pool_job *job); /* on the loop thread, afterwards; may free it or add it again */
    struct pool_line *line;             /* NULL: it may run beside any other */
    bool is_owed;                       /* is added even where no place is left */
    struct pool_share *share;
    enum pool_job_state state;
    TAILQ_ENTRY(pool_job) entry;
};

TAILQ_HEAD(pool_jobs, pool_job);

/* Jobs that run one after the other, in the order in which they were added. Made by pool_line_init. */
struct pool_line {
    struct pool_jobs waiting;
    bool is_busy;
};

/* What one library has of the pool. Made by pool_share_init; the numbers are the pool's. */
struct pool_share {
    struct pool *pool;
    unsigned most_running; /* threads at a time */
    size_t most_pending;   /* jobs that run or wait */
    unsigned running;
    size_t pending;
    size_t ready_count;
    struct pool_jobs ready;
    bool is_listed; /* among those that a thread may take a job of */
    TAILQ_ENTRY(pool_share) entry;
};

/* wake(context) is called on a thread of the pool when there is something for pool_run_done to do. */
struct pool *pool_create(const struct pool_settings *settings, void (*wake)(void *context), void *context);

/* Ends the threads, and waits for their last destructors. No job may be in the pool. NULL is fine. */
void pool_destroy(struct pool *pool);

/* Percent of the pool, at least one thread; 0: as the settings have it. */
void pool_share_init(struct pool_share *share, struct pool *pool, unsigned percent);
void pool_line_init(struct pool_line *line);

/* Has the job's work done when its turn comes. Returns false, with nothing done, where the share has no place left. */
bool pool_add(struct pool_share *share, struct pool_job *job) __attribute__((warn_unused_result));

/* Takes the job back: false where its work has begun, and done will be called as ever. */
bool pool_remove(struct pool *pool, struct pool_job *job);

/* Calls done for every job whose work has been done. */
void pool_run_done(struct pool *pool);

/* Waits until there is something for pool_run_done, which has to be on its way. Blocks. */
void pool_wait_done(struct pool *pool);

#endif
