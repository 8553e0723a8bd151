/* Blocks the worker in one way or another, as the path says: /loop, /sleep, /deadlock, /allocate, /exit (of the
 * thread), /deaf (to signals), /nap (which ends). Otherwise it answers with the process's number. */

#include <flexilib/filter.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void loop(void)
{
    for (volatile unsigned i = 0;; ++i)
        continue;
}

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

static void lock_twice(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

/* As much as there is, and then for ever. */
static void allocate(void)
{
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    setrlimit(RLIMIT_DATA, &limit);
    for (;;) {
        char *block = malloc(1 << 16);
        if (block != NULL)
            memset(block, 1, 1 << 16);
    }
}

static void leave_thread(void)
{
    pthread_exit(NULL);
}

static void be_deaf(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    loop();
}

static void nap(void)
{
    const struct timespec while_ = {.tv_nsec = 250 * 1000 * 1000};
    nanosleep(&while_, NULL);
}

static const struct {
    const char *path;
    void (*block)(void);
} ways[] = {
    {"/loop", loop},         {"/sleep", sleep_for_ever}, {"/deadlock", lock_twice},
    {"/allocate", allocate}, {"/exit", leave_thread},    {"/deaf", be_deaf},
    {"/nap", nap},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    struct flexilib_text path = core->path(exchange);
    char text[32];
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); ++i) {
        if (path.length == strlen(ways[i].path) && memcmp(path.data, ways[i].path, path.length) == 0)
            ways[i].block();
    }
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, (size_t)length);
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "hang", .summary = "blocks", .version = "1", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
