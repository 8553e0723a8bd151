/* A handler that says what process it is in, or does to it what the path says. */

#include <flexilib/ext/fetch.h>
#include <flexilib/ext/timer.h>
#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    HOG_BYTES = 1 << 20,
};

enum {
    OPTION_WORK,
    OPTION_UNLESS,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_WORK] = {"work", FLEXILIB_OPTION_INTEGER, .fallback = "0", .summary = "CPU time that create uses, in ms"},
    [OPTION_UNLESS] = {"unless", FLEXILIB_OPTION_TEXT, .summary = "a file; while it is there, create fails"},
};

struct isolated {
    const struct flexilib_core *core;
    const struct flexilib_timer *timer;
    unsigned count; /* of requests */
    unsigned waits; /* that have begun */
};

static bool is_path(const struct isolated *isolated, const struct flexilib_exchange *exchange, const char *path)
{
    struct flexilib_text text = isolated->core->path(exchange);
    return text.length == strlen(path) && memcmp(text.data, path, text.length) == 0;
}

/* As much as there is. */
static void take_memory(void)
{
    char *memory;
    while ((memory = malloc(HOG_BYTES)) != NULL)
        memset(memory, 1, HOG_BYTES);
    abort();
}

__attribute__((no_sanitize("undefined", "address"))) static void write_nowhere(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static uint64_t milliseconds(const struct isolated *isolated, const struct flexilib_exchange *exchange)
{
    return strtoull(isolated->core->query(exchange).data, NULL, 10);
}

/* /sleep?MILLISECONDS uses no CPU. */
static void sleep_for(uint64_t time_ms)
{
    const struct timespec time = {.tv_sec = (time_t)(time_ms / 1000), .tv_nsec = (long)(time_ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static uint64_t used_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void work_for(uint64_t time_ms)
{
    uint64_t until_ms = used_ms() + time_ms;
    while (used_ms() < until_ms)
        continue;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_value *unless = &values[OPTION_UNLESS];
    if (unless->present && access(unless->text.data, F_OK) == 0)
        return false;
    struct isolated *isolated = calloc(1, sizeof(*isolated));
    if (isolated == NULL)
        return false;
    isolated->core = core;
    work_for((uint64_t)values[OPTION_WORK].integer);
    isolated->timer = core->extension(core, FLEXILIB_TIMER);
    *filter = isolated;
    return true;
}

static flexilib_answer answer(struct isolated *isolated, struct flexilib_exchange *exchange, unsigned count)
{
    const struct flexilib_core *core = isolated->core;
    char line[64];
    int length = snprintf(line, sizeof(line), "%u in %ld, %s\n", count, (long)getpid(),
                          core->extension(core, FLEXILIB_FETCH) == NULL ? "no fetch" : "fetch");
    return core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), line, (size_t)length) ? FLEXILIB_REPLY
                                                                                        : FLEXILIB_FAIL;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct isolated *isolated = filter;
    if (is_path(isolated, exchange, "/work"))
        work_for(milliseconds(isolated, exchange));
    return answer(isolated, exchange, ++isolated->count);
}

static flexilib_answer pause_for(struct isolated *isolated, struct flexilib_exchange *exchange, uint64_t time_ms)
{
    const struct flexilib_core *core = isolated->core;
    ++isolated->waits;
    isolated->timer->resume_after(core, core->ticket(exchange), time_ms);
    return FLEXILIB_PAUSE;
}

/* /wait?MILLISECONDS pauses; /waits tells how often that was. /work?MILLISECONDS uses so much of a CPU, pauses a
 * moment, and does it again. */
static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct isolated *isolated = filter;
    if (is_path(isolated, exchange, "/crash"))
        write_nowhere();
    if (is_path(isolated, exchange, "/leave"))
        _exit(0);
    if (is_path(isolated, exchange, "/hog"))
        take_memory();
    while (is_path(isolated, exchange, "/loop"))
        continue;
    if (is_path(isolated, exchange, "/sleep"))
        sleep_for(milliseconds(isolated, exchange));
    if (is_path(isolated, exchange, "/wait"))
        return pause_for(isolated, exchange, milliseconds(isolated, exchange));
    if (is_path(isolated, exchange, "/work")) {
        work_for(milliseconds(isolated, exchange));
        return pause_for(isolated, exchange, 1);
    }
    if (is_path(isolated, exchange, "/waits"))
        return answer(isolated, exchange, isolated->waits);
    return answer(isolated, exchange, ++isolated->count);
}

static const struct flexilib_filter filters[] = {
    {.name = "isolated",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_resume = on_resume},
};

FLEXILIB_LIBRARY(filters);
