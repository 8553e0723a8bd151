#ifndef FLEXILIB_FILTER_ISOLATED_OWN_H
#define FLEXILIB_FILTER_ISOLATED_OWN_H

/* Where the machine of exchanges (exchange_state.h) leaves its way for those of a runner, whose next step is decided in
 * a worker (isolated_guest.c). */

#include "filter/exchange_state.h"

static inline bool exchange_is_guest(const struct exchange *exchange)
{
    return exchange->state->is_guest;
}

/* Begins one that takes no step by itself. */
void exchange_start_guest(struct exchange *exchange, const struct chain *chain);

/* Calls the hook that is due. */
enum turn exchange_turn_guest(struct exchange *exchange);

/* Tells what a hook has answered. */
void exchange_settle_guest(struct exchange *exchange, struct half *half, flexilib_answer answer);

#endif
