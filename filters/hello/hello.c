/* hello: the smallest handler. It answers every request with a greeting.
 *
 *     handler: { use: hello, options: { greeting: "Good morning" } } */

#include <flexilib/filter.h>

#include <stdlib.h>
#include <string.h>

struct hello {
    const struct flexilib_core *core;
    size_t length;
    char answer[];
};

enum {
    OPTION_GREETING,
};

static const struct flexilib_option options[] = {
    [OPTION_GREETING] = {.name = "greeting",
                         .type = FLEXILIB_OPTION_TEXT,
                         .fallback = "Hello, world!",
                         .summary = "what to answer, without the line break that is put behind it"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct flexilib_text greeting = values[OPTION_GREETING].text;
    struct hello *hello = malloc(sizeof(*hello) + greeting.length + 1);
    if (hello == NULL)
        return false;
    hello->core = core;
    if (greeting.length != 0)
        memcpy(hello->answer, greeting.data, greeting.length);
    hello->answer[greeting.length] = '\n';
    hello->length = greeting.length + 1;
    *filter = hello;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct hello *hello = filter;
    if (!hello->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), hello->answer, hello->length))
        return FLEXILIB_FAIL;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "hello",
        .summary = "answers with a greeting",
        .version = "1.0",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
    },
};

FLEXILIB_LIBRARY(filters);
