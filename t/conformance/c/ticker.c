#include "ticker.h"

#include <flexilib/ext/timer.h>

/* The filter is the core itself. */
bool ticker_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}

flexilib_answer ticker_on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    return core->reply_stream(exchange, 200, FLEXILIB_ARG("text/plain")) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
}

static flexilib_answer wait(const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    const struct flexilib_timer *timer = core->extension(core, FLEXILIB_TIMER);
    timer->resume_after(core, core->ticket(exchange), 1);
    return FLEXILIB_PAUSE;
}

flexilib_answer ticker_on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    uintptr_t turn = (uintptr_t)core->state(exchange);
    core->set_state(exchange, (void *)(turn + 1));
    if (turn == 0)
        return wait(core, exchange);
    core->write(exchange, FLEXILIB_ARG("tick\n"));
    if (turn == 2)
        return wait(core, exchange);
    if (turn == 3)
        core->end_reply(exchange);
    return FLEXILIB_CONTINUE;
}
