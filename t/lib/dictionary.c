/* Answers by what all workers know: /count counts requests, /keep keeps the query for good, /keep-briefly for a
 * millisecond, /kept tells it, /forget forgets it, /crash dies, /fill keeps more than fits. */

#include "hook.h"

#include <flexilib/ext/dictionary.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef FLAGS
#define FLAGS 0
#endif

struct counter {
    const struct flexilib_core *core;
    const struct flexilib_dictionary *dictionary;
    const struct flexilib_dictionary_name *name;
};

static const struct flexilib_option options[] = {
    {"name", FLEXILIB_OPTION_TEXT, .fallback = "counters", .summary = "of the dictionary"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct counter *counter = malloc(sizeof(*counter));
    counter->core = core;
    counter->dictionary = core->extension(core, FLEXILIB_DICTIONARY);
    counter->name = counter->dictionary->open(core, values[0].text.data, values[0].text.length);
    if (counter->name == NULL) {
        core->refuse(core, 0, FLEXILIB_ARG("that is no name"));
        free(counter);
        return false;
    }
    *filter = counter;
    return true;
}

static flexilib_answer reply(const struct counter *counter, struct flexilib_exchange *exchange, const char *text,
                             size_t length)
{
    counter->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, length);
    return FLEXILIB_REPLY;
}

static flexilib_answer count(const struct counter *counter, struct flexilib_exchange *exchange)
{
    char text[32];
    int64_t sum;
    if (!counter->dictionary->increment(counter->name, FLEXILIB_ARG("requests"), 1, 0, &sum))
        return FLEXILIB_FAIL;
    return reply(counter, exchange, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, sum));
}

static flexilib_answer keep(const struct counter *counter, struct flexilib_exchange *exchange, uint64_t ttl_ms)
{
    struct flexilib_text query = counter->core->query(exchange);
    bool is_set = counter->dictionary->set(counter->name, FLEXILIB_ARG("kept"), query.data, query.length, ttl_ms);
    return is_set ? reply(counter, exchange, "", 0) : FLEXILIB_FAIL;
}

static flexilib_answer tell(const struct counter *counter, struct flexilib_exchange *exchange)
{
    char text[64];
    size_t length;
    if (!counter->dictionary->get(counter->name, FLEXILIB_ARG("kept"), text, sizeof(text), &length))
        return reply(counter, exchange, FLEXILIB_ARG("nothing"));
    return reply(counter, exchange, text, length < sizeof(text) ? length : sizeof(text));
}

static flexilib_answer fill(const struct counter *counter, struct flexilib_exchange *exchange)
{
    static const char large[60000];
    for (uint32_t i = 0; i < 1000; ++i) {
        if (!counter->dictionary->set(counter->name, (const char *)&i, sizeof(i), large, sizeof(large), 0))
            return FLEXILIB_FAIL;
    }
    return reply(counter, exchange, "", 0);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct counter *counter = filter;
    if (path_begins_with(counter->core, exchange, "/crash"))
        abort();
    if (path_begins_with(counter->core, exchange, "/count"))
        return count(counter, exchange);
    if (path_begins_with(counter->core, exchange, "/fill"))
        return fill(counter, exchange);
    if (path_begins_with(counter->core, exchange, "/keep-briefly"))
        return keep(counter, exchange, 1);
    if (path_begins_with(counter->core, exchange, "/keep"))
        return keep(counter, exchange, 0);
    if (path_begins_with(counter->core, exchange, "/forget"))
        counter->dictionary->remove(counter->name, FLEXILIB_ARG("kept"));
    return tell(counter, exchange);
}

static const struct flexilib_filter filters[] = {
    {.name = "dictionary",
     .summary = "answers by what all workers know",
     .version = "1",
     .options = options,
     .option_count = 1,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .flags = FLAGS},
};

FLEXILIB_LIBRARY(filters);
