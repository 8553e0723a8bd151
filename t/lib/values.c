/* What core calls about an exchange's values do, as options say it. In this order, in on_request_head: sets an
 * attribute, the scheme and the upstream, each from a template; then request fields. In on_response_head response
 * fields, from templates too. Where a call gives false, a response field x-refused names it. The filter "held" does the
 * same in on_request_body, while it holds the head. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_ATTRIBUTE = 0,
    OPTION_VALUE,
    OPTION_SCHEME,
    OPTION_UPSTREAM,
    OPTION_LATE,
    OPTION_REQUEST,
    OPTION_RESPONSE,
    OPTION_COUNT,
};

static const struct flexilib_option options[OPTION_COUNT] = {
    [OPTION_ATTRIBUTE] = {"attribute", FLEXILIB_OPTION_TEXT, .summary = "the name of one to set"},
    [OPTION_VALUE] = {"value", FLEXILIB_OPTION_TEMPLATE, .fallback = "", .summary = "what it is set to"},
    [OPTION_SCHEME] = {"scheme", FLEXILIB_OPTION_TEMPLATE, .summary = "http or https"},
    [OPTION_UPSTREAM] = {"upstream", FLEXILIB_OPTION_TEMPLATE, .summary = "the name of one to choose"},
    [OPTION_LATE] = {"late", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "choose it when the response is there"},
    [OPTION_REQUEST] = {"request", FLEXILIB_OPTION_TEMPLATE, .summary = "the request's x-said"},
    [OPTION_RESPONSE] = {"response", FLEXILIB_OPTION_TEMPLATE, .summary = "the response's x-said"},
};

struct values {
    const struct flexilib_core *core;
    struct flexilib_value options[OPTION_COUNT];
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct values *own = malloc(sizeof(*own));
    if (own == NULL)
        return false;
    own->core = core;
    memcpy(own->options, values, sizeof(own->options));
    *filter = own;
    return true;
}

static void note_refusal(struct values *own, struct flexilib_exchange *exchange, const char *call)
{
    size_t capacity = strlen(call) + 1;
    char **refused = own->core->state(exchange);
    if (refused == NULL)
        own->core->set_state(exchange, refused = own->core->allocate(exchange, sizeof(*refused)));
    *refused = own->core->allocate(exchange, capacity);
    memcpy(*refused, call, capacity);
}

static void choose_upstream(struct values *own, struct flexilib_exchange *exchange)
{
    const struct flexilib_value *option = &own->options[OPTION_UPSTREAM];
    struct flexilib_text name = {"", 0};
    if (option->present)
        name = own->core->expand(exchange, option->expansion);
    if (name.length != 0 && !own->core->set_upstream(exchange, name.data, name.length))
        note_refusal(own, exchange, "set_upstream");
}

static void set_values(struct values *own, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = own->core;
    const struct flexilib_value *given = own->options;
    struct flexilib_text said;
    if (given[OPTION_ATTRIBUTE].present) {
        struct flexilib_text name = given[OPTION_ATTRIBUTE].text;
        said = core->expand(exchange, given[OPTION_VALUE].expansion);
        if (!core->set_attribute(exchange, name.data, name.length, said.data, said.length))
            note_refusal(own, exchange, "set_attribute");
        else if (!core->attribute(exchange, name.data, name.length, &said))
            note_refusal(own, exchange, "attribute");
    }
    if (given[OPTION_SCHEME].present) {
        said = core->expand(exchange, given[OPTION_SCHEME].expansion);
        if (!core->set_scheme(exchange, said.data, said.length))
            note_refusal(own, exchange, "set_scheme");
    }
    if (!given[OPTION_LATE].boolean)
        choose_upstream(own, exchange);
}

static void say(struct values *own, struct flexilib_exchange *exchange, flexilib_half half, int option)
{
    if (!own->options[option].present)
        return;
    struct flexilib_text said = own->core->expand(exchange, own->options[option].expansion);
    own->core->add_header(exchange, half, FLEXILIB_ARG("x-said"), said.data, said.length);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    set_values(filter, exchange);
    say(filter, exchange, FLEXILIB_REQUEST, OPTION_REQUEST);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    struct values *own = filter;
    if (own->options[OPTION_LATE].boolean)
        choose_upstream(own, exchange);
    char **refused = own->core->state(exchange);
    if (refused != NULL)
        own->core->add_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-refused"), *refused, strlen(*refused));
    say(own, exchange, FLEXILIB_RESPONSE, OPTION_RESPONSE);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer hold_request(void *filter, struct flexilib_exchange *exchange)
{
    struct values *own = filter;
    return own->core->hold_head(exchange, FLEXILIB_REQUEST) ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

/* With each piece, though the head goes on with the first. */
static flexilib_answer set_while_held(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                      bool last)
{
    struct values *own = filter;
    set_values(own, exchange);
    own->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {.name = "values",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_response_head = on_response_head},
    {.name = "held",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = free,
     .on_request_head = hold_request,
     .on_request_body = set_while_held,
     .on_response_head = on_response_head},
};

FLEXILIB_LIBRARY(filters);
