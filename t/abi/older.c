/* A library that is written against whatever released header it is built with, as C or as C++: options, a change of
 * both halves, a whole request body, a reply, a pause that another thread ends. */

#include <flexilib/filter.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BYTES = 65536,
};

struct older {
    const struct flexilib_core *core;
    const struct flexilib_value *values;
    pthread_t thread;
    uint64_t ticket;
};

static const struct flexilib_option options[] = {
    {"text", FLEXILIB_OPTION_TEXT, false, "usual", 0, 0, "a text"},
    {"number", FLEXILIB_OPTION_INTEGER, true, NULL, 1, 9, "a number"},
    {"list", FLEXILIB_OPTION_LIST, false, NULL, 0, 0, "a list"},
    {"map", FLEXILIB_OPTION_MAP, false, NULL, 0, 0, "a mapping"},
    {"wait", FLEXILIB_OPTION_DURATION, false, "1s", 0, 0, NULL},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct older *older = (struct older *)calloc(1, sizeof(*older));
    if (older == NULL)
        return false;
    older->core = core;
    older->values = values;
    *filter = older;
    return true;
}

static int describe(const struct older *older, char *text, size_t size)
{
    const struct flexilib_value *values = older->values;
    return snprintf(text, size, "%.*s %lld %zu/%.*s %zu/%.*s %lld", (int)values[0].text.length, values[0].text.data,
                    (long long)values[1].integer, values[2].count, (int)values[2].list[1].length,
                    values[2].list[1].data, values[3].count, (int)values[3].map[0].value.length,
                    values[3].map[0].value.data, (long long)values[4].integer);
}

static flexilib_answer mark_request(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct older *)filter)->core;
    core->set_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-older"), FLEXILIB_ARG("request"));
#ifdef FLEXILIB_HAS
    if (FLEXILIB_HAS(core, collect))
        core->collect(exchange, FLEXILIB_REQUEST, MOST_BYTES);
#endif
    return FLEXILIB_CONTINUE;
}

/* Knows the whole body before the head goes on. */
static flexilib_answer shout(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                             bool last)
{
    const struct flexilib_core *core = ((struct older *)filter)->core;
    char words[32];
    char *loud = (char *)core->allocate(exchange, length + 1);
    int written = snprintf(words, sizeof(words), "%zu %s", length, last ? "whole" : "piece");
    core->set_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-body"), words, (size_t)written);
    for (size_t i = 0; i < length; ++i)
        loud[i] = data[i] >= 'a' && data[i] <= 'z' ? (char)(data[i] - 'a' + 'A') : data[i];
    core->write(exchange, loud, length);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer mark_response(void *filter, struct flexilib_exchange *exchange)
{
    const struct older *older = (const struct older *)filter;
    char text[256];
    int length = describe(older, text, sizeof(text));
    older->core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-options"), text, (size_t)length);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer add_tail(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                bool last)
{
    const struct flexilib_core *core = ((struct older *)filter)->core;
    core->pass(exchange);
    if (last)
        core->write(exchange, FLEXILIB_ARG("tail\n"));
    return FLEXILIB_CONTINUE;
}

static void *run(void *argument)
{
    struct older *older = (struct older *)argument;
    older->core->resume(older->core, older->ticket, strdup("resumed\n"), free);
    return NULL;
}

static flexilib_answer wait_for_thread(void *filter, struct flexilib_exchange *exchange)
{
    struct older *older = (struct older *)filter;
    struct flexilib_text query = older->core->query(exchange);
    if (query.length == 0) {
        older->core->reply(exchange, 203, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("at once\n"));
        return FLEXILIB_REPLY;
    }
    older->ticket = older->core->ticket(exchange);
    return pthread_create(&older->thread, NULL, run, older) == 0 ? FLEXILIB_PAUSE : FLEXILIB_FAIL;
}

static flexilib_answer answer_with(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct older *older = (struct older *)filter;
    pthread_join(older->thread, NULL);
    older->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), (const char *)result, strlen((const char *)result));
    free(result);
    return FLEXILIB_REPLY;
}

static void log_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct older *)filter)->core;
    core->log(core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("has ended"));
}

static const struct flexilib_filter filters[] = {
    {"older-edit", "changes both halves", "1", options, 5, create, free, mark_request, shout, mark_response, add_tail,
     NULL, log_end},
    {"older-answer", "answers", "1", NULL, 0, create, free, wait_for_thread, NULL, NULL, NULL, answer_with, NULL},
};

FLEXILIB_LIBRARY(filters);
