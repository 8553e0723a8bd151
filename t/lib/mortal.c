/* Answers with the id of its process, or ends that in the way that the path names. */

#include <flexilib/filter.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

__attribute__((no_sanitize("undefined", "address"))) static void write_nowhere(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static void jump_nowhere(void)
{
    void (*volatile nowhere)(void) = NULL;
    nowhere();
}

/* Not every machine traps a division by zero. */
static void divide(void)
{
    raise(SIGFPE);
}

static void be_killed(void)
{
    raise(SIGKILL);
}

static void leave(void)
{
    _exit(7);
}

static const struct {
    const char *path;
    void (*die)(void);
} ways[] = {
    {"/write", write_nowhere}, {"/jump", jump_nowhere}, {"/abort", abort},
    {"/divide", divide},       {"/kill", be_killed},    {"/leave", leave},
};

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    struct flexilib_text path = core->path(exchange);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); ++i)
        if (path.length == strlen(ways[i].path) && memcmp(path.data, ways[i].path, path.length) == 0)
            ways[i].die();
    char text[32];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, (size_t)length);
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "mortal", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
