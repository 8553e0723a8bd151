/* Leaves work to FlexiLib's threads, by the path: /work answers with what a thread has made of the path, /meet/N once N
 * threads are at it at once, /hold when a request for /release comes, and /crash never. /counts tells what has become
 * of it all. */

#define _GNU_SOURCE
#include <flexilib/ext/offload.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct flexilib_option options[] = {
    {"prepare", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "has work of its own before the first request"},
};

struct worker {
    const struct flexilib_core *core;
    const struct flexilib_offload *offload;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t has_changed;
    unsigned present; /* threads that meet */
    unsigned releases;
    unsigned working;
    unsigned prepared;
};

struct work {
    struct worker *worker;
    char path[64];
    char thread[16];
};

/* Comes perhaps after the filter's end, so it uses nothing of the filter. */
static void on_drop(void *data)
{
    fprintf(stderr, "offload dropped: %s\n", ((struct work *)data)->path);
    free(data);
}

static void meet(struct worker *worker, unsigned count)
{
    ++worker->present;
    pthread_cond_broadcast(&worker->has_changed);
    while (worker->present < count)
        pthread_cond_wait(&worker->has_changed, &worker->mutex);
}

static void hold(struct worker *worker)
{
    unsigned releases = worker->releases;
    while (worker->releases == releases)
        pthread_cond_wait(&worker->has_changed, &worker->mutex);
}

static void run(void *data)
{
    struct work *work = data;
    struct worker *worker = work->worker;
    pthread_getname_np(pthread_self(), work->thread, sizeof(work->thread));
    pthread_mutex_lock(&worker->mutex);
    ++worker->working;
    fprintf(stderr, "offload begun: %s\n", work->path);
    if (strncmp(work->path, "/meet/", 6) == 0)
        meet(worker, (unsigned)atoi(work->path + 6));
    else if (strncmp(work->path, "/hold", 5) == 0)
        hold(worker);
    else if (strcmp(work->path, "/crash") == 0)
        abort();
    --worker->working;
    pthread_mutex_unlock(&worker->mutex);
}

static struct work *make_work(struct worker *worker, struct flexilib_text path)
{
    struct work *work = calloc(1, sizeof(*work));
    work->worker = worker;
    snprintf(work->path, sizeof(work->path), "%.*s", (int)path.length, path.data);
    return work;
}

static void on_prepared(void *filter, void *data)
{
    ++((struct worker *)filter)->prepared;
    free(data);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    worker->core = core;
    worker->offload = core->extension(core, FLEXILIB_OFFLOAD);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->has_changed, NULL);
    *filter = worker;
    if (values[0].boolean &&
        !worker->offload->run_for_filter(core, run, on_prepared, make_work(worker, FLEXILIB_TEXT("/prepare")), on_drop))
        abort();
    return true;
}

static void destroy(void *filter)
{
    struct worker *worker = filter;
    fprintf(stderr, "offload destroyed: %u at work\n", worker->working);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->has_changed);
    free(worker);
}

static flexilib_answer answer(const struct worker *worker, struct flexilib_exchange *exchange, const char *text)
{
    worker->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, strlen(text));
    return FLEXILIB_REPLY;
}

static bool begins_with(struct flexilib_text text, const char *prefix)
{
    return text.length >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static flexilib_answer release(struct worker *worker, struct flexilib_exchange *exchange)
{
    pthread_mutex_lock(&worker->mutex);
    ++worker->releases;
    pthread_cond_broadcast(&worker->has_changed);
    pthread_mutex_unlock(&worker->mutex);
    return answer(worker, exchange, "released\n");
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct worker *worker = filter;
    struct flexilib_text path = worker->core->path(exchange);
    char text[64];
    if (begins_with(path, "/release"))
        return release(worker, exchange);
    if (begins_with(path, "/counts")) {
        snprintf(text, sizeof(text), "prepared %u\n", worker->prepared);
        return answer(worker, exchange, text);
    }
    struct work *work = make_work(worker, path);
    if (worker->offload->run(worker->core, worker->core->ticket(exchange), run, work, on_drop))
        return FLEXILIB_PAUSE;
    free(work);
    worker->core->reply(exchange, 503, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("no thread is left\n"));
    return FLEXILIB_REPLY;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct work *work = result;
    char text[128];
    snprintf(text, sizeof(text), "%s on %s\n", work->path, work->thread);
    free(work);
    return answer(filter, exchange, text);
}

static const struct flexilib_filter filters[] = {
    {.name = "offload",
     .summary = "leaves work to threads",
     .version = "1",
     .options = options,
     .option_count = 1,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .on_resume = on_resume},
};

FLEXILIB_LIBRARY(filters);
