/* Blocks, as its options say, in the hook that they name: until so many are in it at once (meet), until a request for
 * /release comes to another use of the library (hold), or not at all. As a handler it answers with the name of its
 * thread. /counts at the use that releases tells how many are in the hook. */

#define _GNU_SOURCE
#include "hook.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_HOOK,
    OPTION_MEET,
    OPTION_HOLD,
    OPTION_REPLY,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_HOOK] = HOOK_OPTION,
    [OPTION_MEET] = {"meet", FLEXILIB_OPTION_INTEGER, .fallback = "0", .summary = "how many wait for each other"},
    [OPTION_HOLD] = {"hold", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "waits for a request for /release"},
    [OPTION_REPLY] = {"reply", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "answers"},
};

struct blocker {
    const struct flexilib_core *core;
    enum hook hook;
    unsigned meet;
    bool is_holding, is_replying;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_changed = PTHREAD_COND_INITIALIZER;
static unsigned present, met, releases;

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    enum hook hook = hook_parse(core, OPTION_HOOK, values[OPTION_HOOK].text);
    if (hook == HOOK_COUNT)
        return false;
    struct blocker *blocker = calloc(1, sizeof(*blocker));
    blocker->core = core;
    blocker->hook = hook;
    blocker->meet = (unsigned)values[OPTION_MEET].integer;
    blocker->is_holding = values[OPTION_HOLD].boolean;
    blocker->is_replying = values[OPTION_REPLY].boolean;
    *filter = blocker;
    return true;
}

static void destroy(void *filter)
{
    pthread_mutex_lock(&mutex);
    fprintf(stderr, "blocking destroyed: %u at work\n", present);
    pthread_mutex_unlock(&mutex);
    free(filter);
}

static void wait_for_others(unsigned count)
{
    while (present < count && met == 0)
        pthread_cond_wait(&has_changed, &mutex);
    met = 1;
}

static void wait_for_release(void)
{
    unsigned before = releases;
    while (releases == before)
        pthread_cond_wait(&has_changed, &mutex);
}

static void block(const struct blocker *blocker, const struct flexilib_exchange *exchange)
{
    char text[64];
    struct flexilib_text path = blocker->core->path(exchange);
    int length = snprintf(text, sizeof(text), "blocks %.*s", (int)path.length, path.data);
    pthread_mutex_lock(&mutex);
    ++present;
    /* Only where it can be released from now on. */
    blocker->core->log(blocker->core, exchange, FLEXILIB_INFO, text, (size_t)length);
    pthread_cond_broadcast(&has_changed);
    if (blocker->meet != 0)
        wait_for_others(blocker->meet);
    if (blocker->is_holding)
        wait_for_release();
    --present;
    pthread_mutex_unlock(&mutex);
}

static void release(void)
{
    pthread_mutex_lock(&mutex);
    ++releases;
    pthread_cond_broadcast(&has_changed);
    pthread_mutex_unlock(&mutex);
}

static flexilib_answer answer(const struct blocker *blocker, struct flexilib_exchange *exchange)
{
    char text[64], name[16];
    pthread_getname_np(pthread_self(), name, sizeof(name));
    struct flexilib_text peer = blocker->core->peer_address(exchange);
    pthread_mutex_lock(&mutex);
    unsigned others = present;
    pthread_mutex_unlock(&mutex);
    int length = snprintf(text, sizeof(text), "%s for %.*s, beside %u\n", name, (int)peer.length, peer.data, others);
    blocker->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, (size_t)length);
    return FLEXILIB_REPLY;
}

static flexilib_answer act(const struct blocker *blocker, enum hook hook, struct flexilib_exchange *exchange)
{
    if (path_begins_with(blocker->core, exchange, "/release"))
        release();
    else if (hook == blocker->hook)
        block(blocker, exchange);
    bool is_request = hook == HOOK_REQUEST_HEAD || hook == HOOK_REQUEST_BODY;
    return blocker->is_replying && is_request && hook == blocker->hook ? answer(blocker, exchange) : FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return act(filter, HOOK_REQUEST_HEAD, exchange);
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    ((struct blocker *)filter)->core->pass(exchange);
    return act(filter, HOOK_REQUEST_BODY, exchange);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return act(filter, HOOK_RESPONSE_HEAD, exchange);
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    ((struct blocker *)filter)->core->pass(exchange);
    return act(filter, HOOK_RESPONSE_BODY, exchange);
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct blocker *blocker = filter;
    if (blocker->hook == HOOK_END)
        block(blocker, exchange);
    blocker->core->log(blocker->core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("end"));
}

#define FILTER(its_name, its_flags)                                                                                    \
    {                                                                                                                  \
        .name = its_name, .summary = "blocks", .version = "1", .options = options, .option_count = OPTION_COUNT,       \
        .create = create, .destroy = destroy, .on_request_head = on_request_head, .on_request_body = on_request_body,  \
        .on_response_head = on_response_head, .on_response_body = on_response_body, .on_end = on_end,                  \
        .flags = its_flags                                                                                             \
    }

static const struct flexilib_filter filters[] = {
    FILTER("blocking", FLEXILIB_BLOCKING),
    FILTER("concurrent", FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT),
    FILTER("plain", 0),
};

FLEXILIB_LIBRARY(filters);
