/* my-filter: gives responses a field that tells who has seen them.
 *
 *     filters: [{ my-filter: { text: hello } }] */

#include <flexilib/filter.h>

#include <stdlib.h>

struct marker {
    const struct flexilib_core *core;
    struct flexilib_text text;
};

static const struct flexilib_option options[] = {
    {.name = "text", .type = FLEXILIB_OPTION_TEXT, .fallback = "hello", .summary = "what the field says"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct marker *marker = malloc(sizeof(*marker));
    if (marker == NULL)
        return false;
    *marker = (struct marker){core, values[0].text};
    *filter = marker;
    return true;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct marker *marker = filter;
    marker->core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-my-filter"), marker->text.data,
                             marker->text.length);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "my-filter",
        .summary = "gives responses a field",
        .version = "0.1",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .create = create,
        .destroy = free,
        .on_response_head = on_response_head,
    },
};

FLEXILIB_LIBRARY(filters);
