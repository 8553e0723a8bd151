/* Does things later: counts aloud from create on, three times or, with `forever`, until its end. As a handler it
 * answers after a while (/wait), when a thread resumes it long before its time (/early), or crashes in a timer
 * (/crash). */

#include <flexilib/ext/timer.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_FOREVER,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_FOREVER] = {"forever", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "counts until its end"},
};

struct counter {
    const struct flexilib_core *core;
    const struct flexilib_timer *timers;
    uint64_t timer;
    int count;
    bool is_forever;
};

static void say(const struct counter *counter, const char *text)
{
    counter->core->log(counter->core, NULL, FLEXILIB_INFO, text, strlen(text));
}

static void on_time(void *filter, void *data)
{
    struct counter *counter = filter;
    char text[32];
    snprintf(text, sizeof(text), "count %d", ++counter->count);
    say(counter, text);
    if (counter->count == 3 && !counter->is_forever)
        say(counter, counter->timers->stop(counter->core, counter->timer) ? "stopped" : "not stopped");
}

static void crash(void *filter, void *data)
{
    abort();
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct counter *counter = calloc(1, sizeof(*counter));
    counter->core = core;
    counter->timers = core->extension(core, FLEXILIB_TIMER);
    counter->is_forever = values[OPTION_FOREVER].boolean;
    counter->timer = counter->timers->start(core, 0, 1, on_time, NULL);
    *filter = counter;
    return true;
}

static void destroy(void *filter)
{
    say(filter, "destroyed");
    free(filter);
}

struct helper {
    const struct flexilib_core *core;
    uint64_t ticket;
};

static void *run_helper(void *argument)
{
    struct helper *helper = argument;
    helper->core->resume(helper->core, helper->ticket, NULL, NULL);
    free(helper);
    return NULL;
}

static void start_helper(struct counter *counter, uint64_t ticket)
{
    struct helper *helper = malloc(sizeof(*helper));
    pthread_t thread;
    *helper = (struct helper){counter->core, ticket};
    if (pthread_create(&thread, NULL, run_helper, helper) != 0)
        abort();
    pthread_detach(thread);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct counter *counter = filter;
    struct flexilib_text path = counter->core->path(exchange);
    uint64_t ticket = counter->core->ticket(exchange);
    if (path.length == 6 && memcmp(path.data, "/crash", 6) == 0)
        counter->timers->start(counter->core, 1, 0, crash, NULL);
    if (path.length == 6 && memcmp(path.data, "/early", 6) == 0)
        start_helper(counter, ticket);
    counter->timers->resume_after(counter->core, ticket, path.length == 5 ? 20 : 3600 * 1000);
    return FLEXILIB_PAUSE;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct counter *counter = filter;
    counter->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("waited\n"));
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "timers",
     .summary = "does things later",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .on_resume = on_resume},
};

FLEXILIB_LIBRARY(filters);
