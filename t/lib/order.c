/* Leaves a trace of every hook: an x-order field in the heads while they can be changed, and a line in the log. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>

static const struct flexilib_option options[] = {
    {"name", FLEXILIB_OPTION_TEXT, .required = true, .summary = "how the trace calls this use"},
    {"reply", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "answers instead of going on"},
};

struct order {
    const struct flexilib_core *core;
    struct flexilib_text name;
    bool is_replying;
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct order *order = malloc(sizeof(*order));
    *order = (struct order){core, values[0].text, values[1].boolean};
    *filter = order;
    return true;
}

static void trace(const struct order *order, struct flexilib_exchange *exchange, const char *hook)
{
    char line[128];
    int length = snprintf(line, sizeof(line), "order %.*s %s", (int)order->name.length, order->name.data, hook);
    order->core->log(order->core, exchange, FLEXILIB_INFO, line, (size_t)length);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct order *order = filter;
    const struct flexilib_core *core = order->core;
    trace(order, exchange, "request_head");
    core->add_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-order"), order->name.data, order->name.length);
    if (!order->is_replying)
        return FLEXILIB_CONTINUE;
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("replied\n"));
    return FLEXILIB_REPLY;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct order *order = filter;
    trace(order, exchange, "request_body");
    order->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    struct order *order = filter;
    trace(order, exchange, "response_head");
    order->core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-order"), order->name.data, order->name.length);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    struct order *order = filter;
    if (last)
        trace(order, exchange, "response_body");
    order->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    trace(filter, exchange, "end");
}

static const struct flexilib_filter filters[] = {
    {.name = "order",
     .summary = "traces its hooks",
     .version = "1",
     .options = options,
     .option_count = 2,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_request_body = on_request_body,
     .on_response_head = on_response_head,
     .on_response_body = on_response_body,
     .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
