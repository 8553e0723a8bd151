#include "filter/offload.h"

#include "base/alloc.h"
#include "filter/exchange_state.h"

#include <stdlib.h>

struct offload_job {
    struct pool_job job; /* at the front: the pool's calls find it by it */
    struct belonging of_exchange;
    struct use *use;
    struct offload_task task;
    bool is_of_filter; /* itself; otherwise it ends the pause with that ticket */
    uint64_t ticket;
    void (*done)(void *filter, void *data);
    struct slot_request request; /* the exchange's */
    LIST_ENTRY(offload_job) of_use;
};

static void run_work(struct pool_job *base, unsigned thread)
{
    struct offload_job *job = (struct offload_job *)base;
    runtime_enter_thread(job->use->runtime, thread, job->use, job->task.hook, &job->request);
    job->task.work(job->task.data);
    runtime_leave_thread(job->use->runtime, thread);
}

/* What becomes of data is the caller's concern. */
static void destroy_job(struct offload_job *job)
{
    belonging_leave(&job->of_exchange);
    LIST_REMOVE(job, of_use);
    free(job);
}

static void drop_job(struct offload_job *job)
{
    void (*drop)(void *data) = job->task.drop;
    void *data = job->task.data;
    destroy_job(job);
    if (drop != NULL)
        drop(data);
}

/* A filter whose create has failed is told of nothing any more. */
static void tell_filter(const struct offload_job *job)
{
    const struct use *use = job->use;
    if (use->is_created) {
        runtime_enter(use->runtime, use, SLOT_HOOK_OFFLOAD, &slot_no_request);
        struct hook_watch watch = hook_counts_begin(use->counts, SLOT_HOOK_OFFLOAD, true);
        job->done(use->data, job->task.data);
        hook_counts_end(&watch);
        runtime_leave(use->runtime);
    } else if (job->task.drop != NULL) {
        job->task.drop(job->task.data);
    }
}

static void on_done(struct pool_job *base)
{
    struct offload_job job = *(struct offload_job *)base;
    destroy_job((struct offload_job *)base);
    if (job.is_of_filter)
        tell_filter(&job);
    else
        runtime_deliver(job.use->runtime,
                        &(struct letter){.ticket = job.ticket, .result = job.task.data, .drop = job.task.drop});
}

static struct offload_job *add_job(struct use *use, const struct offload_job *prepared)
{
    struct offload_job *job = mem_alloc(sizeof(*job));
    *job = *prepared;
    job->job = (struct pool_job){.work = run_work, .done = on_done, .line = job->task.line};
    job->use = use;
    if (!pool_add(&runtime_share_of(use->runtime, use)->share, &job->job)) {
        free(job);
        return NULL;
    }
    LIST_INSERT_HEAD(&use->jobs, job, of_use);
    return job;
}

/* What has begun goes on; its result will find nobody. */
static void end_for_exchange(struct belonging *belonging)
{
    struct offload_job *job = (struct offload_job *)((char *)belonging - offsetof(struct offload_job, of_exchange));
    if (pool_remove(job->use->runtime->pool, &job->job))
        drop_job(job);
}

bool offload_run(struct use *use, uint64_t ticket, const struct offload_task *task)
{
    struct offload_job prepared = {.ticket = ticket, .task = *task};
    struct exchange *exchange = runtime_find(use->runtime, ticket);
    bool is_awaited = exchange != NULL && exchange_is_alive(exchange) && exchange_has_ticket(exchange, ticket);
    if (is_awaited)
        prepared.request = exchange->state->slot_request;
    struct offload_job *job = add_job(use, &prepared);
    if (job == NULL)
        return false;
    job->of_exchange.end = end_for_exchange;
    if (is_awaited)
        belonging_join(&exchange->state->belongings, &job->of_exchange);
    return true;
}

static bool run(const struct flexilib_core *core, uint64_t ticket, void (*work)(void *data), void *data,
                void (*drop)(void *data))
{
    const struct offload_task task = {.work = work, .drop = drop, .data = data, .hook = SLOT_HOOK_OFFLOAD};
    return offload_run(use_of_core_changing(core), ticket, &task);
}

static bool run_for_filter(const struct flexilib_core *core, void (*work)(void *data),
                           void (*done)(void *filter, void *data), void *data, void (*drop)(void *data))
{
    const struct offload_task task = {.work = work, .drop = drop, .data = data, .hook = SLOT_HOOK_OFFLOAD};
    const struct offload_job prepared = {.is_of_filter = true, .task = task, .done = done};
    return add_job(use_of_core_changing(core), &prepared) != NULL;
}

static void drop_waiting(struct use *use)
{
    struct offload_job *job = LIST_FIRST(&use->jobs);
    while (job != NULL) {
        struct offload_job *next = LIST_NEXT(job, of_use);
        if (pool_remove(use->runtime->pool, &job->job))
            drop_job(job);
        job = next;
    }
}

void offload_end(struct use *use)
{
    while (!LIST_EMPTY(&use->jobs)) {
        drop_waiting(use);
        if (LIST_EMPTY(&use->jobs))
            return;
        pool_wait_done(use->runtime->pool);
        pool_run_done(use->runtime->pool);
    }
}

const struct flexilib_offload offload_table = {
    .size = sizeof(struct flexilib_offload),
    .run = run,
    .run_for_filter = run_for_filter,
};
