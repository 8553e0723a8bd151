/* Pauses in the hook that its option names and is resumed from a thread: at once; never; or, with `hold`, when a
 * request for /release comes. As a handler it answers after the pause with what the thread brought. */

#include "hook.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_HOOK,
    OPTION_NEVER,
    OPTION_HOLD,
    OPTION_TWICE,
    OPTION_REPLY,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_HOOK] = HOOK_OPTION,
    [OPTION_NEVER] = {"never", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "is never resumed"},
    [OPTION_HOLD] = {"hold", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "is resumed by a request for /release"},
    [OPTION_TWICE] = {"twice", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "each ticket is used twice"},
    [OPTION_REPLY] = {"reply", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "answers after the pause"},
};

struct pauser {
    const struct flexilib_core *core;
    enum hook hook;
    bool is_never, is_holding, is_twice, is_replying;
    struct work *held;
    struct work *running;
};

/* One pause, and the thread that ends it. */
struct work {
    struct pauser *pauser;
    uint64_t ticket;
    pthread_t thread;
    struct work *next;
};

/* Comes perhaps after the filter's end, so it uses nothing of the filter. */
static void on_drop(void *result)
{
    fprintf(stderr, "pause dropped: %s\n", (const char *)result);
    free(result);
}

static void send_parcel(const struct work *work, const char *text)
{
    work->pauser->core->resume(work->pauser->core, work->ticket, strdup(text), on_drop);
}

static void *run_thread(void *argument)
{
    const struct work *work = argument;
    send_parcel(work, "first");
    if (work->pauser->is_twice)
        send_parcel(work, "second");
    return NULL;
}

static void start_thread(struct work *work)
{
    struct pauser *pauser = work->pauser;
    if (pthread_create(&work->thread, NULL, run_thread, work) != 0)
        abort();
    work->next = pauser->running;
    pauser->running = work;
}

static void join_threads(struct pauser *pauser)
{
    while (pauser->running != NULL) {
        struct work *work = pauser->running;
        pauser->running = work->next;
        pthread_join(work->thread, NULL);
        free(work);
    }
}

static void release_held(struct pauser *pauser)
{
    while (pauser->held != NULL) {
        struct work *work = pauser->held;
        pauser->held = work->next;
        start_thread(work);
    }
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    enum hook hook = hook_parse(core, OPTION_HOOK, values[OPTION_HOOK].text);
    if (hook == HOOK_COUNT)
        return false;
    struct pauser *pauser = calloc(1, sizeof(*pauser));
    pauser->core = core;
    pauser->hook = hook;
    pauser->is_never = values[OPTION_NEVER].boolean;
    pauser->is_holding = values[OPTION_HOLD].boolean;
    pauser->is_twice = values[OPTION_TWICE].boolean;
    pauser->is_replying = values[OPTION_REPLY].boolean;
    *filter = pauser;
    return true;
}

static void destroy(void *filter)
{
    struct pauser *pauser = filter;
    release_held(pauser);
    join_threads(pauser);
    free(pauser);
}

static flexilib_answer act(struct pauser *pauser, enum hook hook, struct flexilib_exchange *exchange)
{
    if (path_begins_with(pauser->core, exchange, "/release")) {
        if (hook == HOOK_REQUEST_HEAD)
            release_held(pauser);
        return FLEXILIB_CONTINUE;
    }
    if (hook != pauser->hook)
        return FLEXILIB_CONTINUE;
    struct work *work = calloc(1, sizeof(*work));
    work->pauser = pauser;
    work->ticket = pauser->core->ticket(exchange);
    pauser->core->log(pauser->core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("pausing"));
    if (pauser->is_never) {
        free(work);
    } else if (pauser->is_holding) {
        work->next = pauser->held;
        pauser->held = work;
    } else {
        start_thread(work);
    }
    return FLEXILIB_PAUSE;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return act(filter, HOOK_REQUEST_HEAD, exchange);
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    ((struct pauser *)filter)->core->pass(exchange);
    return act(filter, HOOK_REQUEST_BODY, exchange);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return act(filter, HOOK_RESPONSE_HEAD, exchange);
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    ((struct pauser *)filter)->core->pass(exchange);
    return act(filter, HOOK_RESPONSE_BODY, exchange);
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct pauser *pauser = filter;
    const struct flexilib_core *core = pauser->core;
    char text[64];
    size_t length = (size_t)snprintf(text, sizeof(text), "resumed: %s\n", (const char *)result);
    free(result);
    join_threads(pauser);
    core->log(core, exchange, FLEXILIB_INFO, text, length - 1);
    if (!pauser->is_replying)
        return FLEXILIB_CONTINUE;
    return core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, length) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct pauser *)filter)->core;
    core->log(core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("end"));
}

static const struct flexilib_filter filters[] = {
    {.name = "pause",
     .summary = "pauses",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .on_request_body = on_request_body,
     .on_response_head = on_response_head,
     .on_response_body = on_response_body,
     .on_resume = on_resume,
     .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
