#include "conformance.h"
#include "observer.h"
#include "options.h"
#include "ticker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct flexilib_option options[OPTION_COUNT] = {
    [OPTION_SCRIPT] = {"script", FLEXILIB_OPTION_TEXT, .fallback = "x-do", .summary = "the field with the script"},
    [OPTION_EXPANSION] = {"expansion", FLEXILIB_OPTION_TEMPLATE, .summary = "what `expansion` tells"},
    [OPTION_PATTERN] = {"pattern", FLEXILIB_OPTION_REGEX, .summary = "what `match` looks for"},
    [OPTION_RANGES] = {"ranges", FLEXILIB_OPTION_RANGES, .summary = "what `in-ranges` looks in"},
    [OPTION_EXTENSIONS] = {"extensions", FLEXILIB_OPTION_LIST, .fallback = "[]", .summary = "which are used"},
};

struct flexilib_text print(const struct scene *scene, const char *format, ...)
{
    char *text = scene->core->allocate(scene->exchange, 4096);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, 4096, format, arguments);
    va_end(arguments);
    return (struct flexilib_text){text, (size_t)length};
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct actor *actor = calloc(1, sizeof(*actor));
    actor->core = core;
    actor->script = values[OPTION_SCRIPT].text;
    actor->expansion = values[OPTION_EXPANSION].expansion;
    actor->pattern = values[OPTION_PATTERN].regex;
    actor->ranges = values[OPTION_RANGES].ranges;
    pthread_mutex_init(&actor->mutex, NULL);
    pthread_cond_init(&actor->is_idle, NULL);
    *filter = actor;
    for (size_t i = 0; i < values[OPTION_EXTENSIONS].count; ++i) {
        if (!waits_open_extension(actor, values[OPTION_EXTENSIONS].list[i])) {
            core->refuse(core, OPTION_EXTENSIONS, FLEXILIB_ARG("an extension is missing"));
            free(actor);
            return false;
        }
    }
    return true;
}

static void destroy(void *filter)
{
    struct actor *actor = filter;
    pthread_mutex_lock(&actor->mutex);
    while (actor->threads != 0)
        pthread_cond_wait(&actor->is_idle, &actor->mutex);
    pthread_mutex_unlock(&actor->mutex);
    free(actor);
}

static struct memory *remember(const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    struct memory *memory = core->state(exchange);
    if (memory == NULL) {
        memory = core->allocate(exchange, sizeof(*memory));
        *memory = (struct memory){0};
        core->set_state(exchange, memory);
    }
    return memory;
}

static struct scene enter(void *filter, struct flexilib_exchange *exchange, flexilib_half half)
{
    struct actor *actor = filter;
    return (struct scene){
        .actor = actor,
        .core = actor->core,
        .exchange = exchange,
        .memory = remember(actor->core, exchange),
        .half = half,
    };
}

/* Does all that the script says for the hook; a number of commands. */
static int act(struct scene *scene, const char *hook)
{
    const struct flexilib_core *core = scene->core;
    struct flexilib_text script = {0};
    struct command command;
    int count = 0;
    core->header(scene->exchange, FLEXILIB_REQUEST, scene->actor->script.data, scene->actor->script.length, &script);
    for (; script_next(core, scene->exchange, &script, hook, &command); ++count) {
        scene->words = &command.words[1];
        if (!verbs_follow(scene, command.words[0]) && !waits_follow(scene, command.words[0])) {
            struct flexilib_text text =
                print(scene, "there is no verb '%.*s'", (int)command.words[0].length, command.words[0].data);
            core->log(core, scene->exchange, FLEXILIB_ERROR, text.data, text.length);
            scene->answer = FLEXILIB_FAIL;
        }
    }
    return count;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_REQUEST);
    act(&scene, "request-head");
    return scene.answer;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_REQUEST);
    scene.piece = (struct flexilib_text){data, length};
    scene.is_last = last;
    if (act(&scene, "request-body") == 0)
        scene.core->pass(exchange);
    return scene.answer;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_RESPONSE);
    act(&scene, "response-head");
    return scene.answer;
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_RESPONSE);
    scene.piece = (struct flexilib_text){data, length};
    scene.is_last = last;
    if (act(&scene, "response-body") == 0)
        scene.core->pass(exchange);
    return scene.answer;
}

static flexilib_answer on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_RESPONSE);
    act(&scene, "reply-body");
    return scene.answer;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_RESPONSE);
    waits_take(&scene, result);
    act(&scene, "resume");
    return scene.answer;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct scene scene = enter(filter, exchange, FLEXILIB_RESPONSE);
    act(&scene, "end");
}

#define ACTOR                                                                                                          \
    .summary = "does what the request says", .version = "1", .options = options, .option_count = OPTION_COUNT,         \
    .create = create, .destroy = destroy, .on_request_head = on_request_head, .on_request_body = on_request_body,      \
    .on_response_head = on_response_head, .on_response_body = on_response_body, .on_resume = on_resume,                \
    .on_end = on_end, .on_reply_body = on_reply_body

static const struct flexilib_filter filters[] = {
    {
        .name = "conformance",
        ACTOR,
    },
    {
        .name = "blocking",
        ACTOR,
        .flags = FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT,
    },
    {
        .name = "options",
        .summary = "replies with its options",
        .version = "1",
        .options = given_options,
        .option_count = GIVEN_COUNT,
        .create = given_create,
        .destroy = given_destroy,
        .on_request_head = given_on_request_head,
    },
    {
        .name = "observer",
        .summary = "counts bytes",
        .version = "1",
        .create = observer_create,
        .on_request_body = observer_on_request_body,
        .on_response_body = observer_on_response_body,
        .on_end = observer_on_end,
        .flags = FLEXILIB_OBSERVES,
    },
    {
        .name = "ticker",
        .summary = "streams and pauses",
        .version = "1",
        .create = ticker_create,
        .on_request_head = ticker_on_request_head,
        .on_reply_body = ticker_on_reply_body,
    },
};

FLEXILIB_LIBRARY(filters);
