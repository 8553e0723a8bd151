/* Puts off being ready until `file` is there, which it takes away: what stands in it, if anything, is why it cannot be
 * ready. Or says so in create already (`at_once`). As a handler it answers "ready". */

#include <flexilib/ext/timer.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_FILE,
    OPTION_AT_ONCE,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_FILE] = {"file", FLEXILIB_OPTION_TEXT, .summary = "what is waited for"},
    [OPTION_AT_ONCE] = {"at_once", FLEXILIB_OPTION_TEXT, .summary = "why it cannot be ready, or nothing"},
};

struct waiter {
    const struct flexilib_core *core;
    const struct flexilib_timer *timers;
    char *file;
    uint64_t timer;
    unsigned looks;
    pthread_t thread;
    bool has_thread;
    char sentence[256];
};

static void say(const struct waiter *waiter, const char *text)
{
    waiter->core->log(waiter->core, NULL, FLEXILIB_INFO, text, strlen(text));
}

/* Any thread may say it; more than once does not matter. */
static void *run_thread(void *argument)
{
    const struct waiter *waiter = argument;
    waiter->core->set_ready(waiter->core, waiter->sentence, strlen(waiter->sentence));
    waiter->core->set_ready(waiter->core, FLEXILIB_ARG("too late"));
    return NULL;
}

static void look(void *filter, void *data)
{
    struct waiter *waiter = filter;
    if (++waiter->looks == 2500)
        say(waiter, "waiting for long");
    FILE *file = fopen(waiter->file, "r");
    if (file == NULL)
        return;
    size_t length = fread(waiter->sentence, 1, sizeof(waiter->sentence) - 1, file);
    waiter->sentence[length] = '\0';
    fclose(file);
    unlink(waiter->file);
    waiter->timers->stop(waiter->core, waiter->timer);
    if (pthread_create(&waiter->thread, NULL, run_thread, waiter) != 0)
        abort();
    waiter->has_thread = true;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));
    waiter->core = core;
    waiter->timers = core->extension(core, FLEXILIB_TIMER);
    core->defer_ready(core);
    core->defer_ready(core);
    if (values[OPTION_AT_ONCE].present)
        core->set_ready(core, values[OPTION_AT_ONCE].text.data, values[OPTION_AT_ONCE].text.length);
    if (values[OPTION_FILE].present) {
        waiter->file = strndup(values[OPTION_FILE].text.data, values[OPTION_FILE].text.length);
        waiter->timer = waiter->timers->start(core, 0, 1, look, NULL);
    }
    say(waiter, "waiting");
    *filter = waiter;
    return true;
}

static void destroy(void *filter)
{
    struct waiter *waiter = filter;
    if (waiter->has_thread)
        pthread_join(waiter->thread, NULL);
    say(waiter, "destroyed");
    free(waiter->file);
    free(waiter);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct waiter *waiter = filter;
    waiter->core->set_ready(waiter->core, FLEXILIB_ARG("far too late"));
    waiter->core->defer_ready(waiter->core);
    waiter->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("ready\n"));
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "ready",
     .summary = "gets ready later",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
