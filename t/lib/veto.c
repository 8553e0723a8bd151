/* Changes its mind when the response is there: sets its status, or replies in its place, or tries to name the protocol
 * of an upgrade. */

#include <flexilib/filter.h>

#include <stdlib.h>

static const struct flexilib_option options[] = {
    {"status", FLEXILIB_OPTION_INTEGER, .fallback = "0", .summary = "sets that status"},
    {"reply", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "replies with 200 instead"},
};

struct veto {
    const struct flexilib_core *core;
    int32_t status;
    bool is_replying;
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct veto *veto = malloc(sizeof(*veto));
    *veto = (struct veto){core, (int32_t)values[0].integer, values[1].boolean};
    *filter = veto;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct veto *)filter)->core;
    core->set_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("upgrade"), FLEXILIB_ARG("bar"));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct veto *veto = filter;
    if (veto->status != 0)
        veto->core->set_status(exchange, veto->status);
    if (!veto->is_replying)
        return FLEXILIB_CONTINUE;
    veto->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("rather not\n"));
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "veto",
     .summary = "changes its mind about responses",
     .version = "1",
     .options = options,
     .option_count = 2,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_response_head = on_response_head},
};

FLEXILIB_LIBRARY(filters);
