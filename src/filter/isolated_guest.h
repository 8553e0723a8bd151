#ifndef FLEXILIB_FILTER_ISOLATED_GUEST_H
#define FLEXILIB_FILTER_ISOLATED_GUEST_H

/* A worker's exchange as a runner has it: with one filter, whose hooks are called when the worker says so, and without
 * any decision of its own about what comes next; that is the worker's. All else is as it is there: core calls, pauses,
 * hooks that block, what belongs to an exchange, and its end.
 *
 * Between a call and its answer nothing else is asked for the same half; the other half may be asked meanwhile. */

#include "filter/chain.h"
#include "filter/exchange.h"

struct isolated_guest;

struct guest_owner {
    /* The hook of that call is done; message is what isolated_answer_print says, and valid until this returns. is_last:
     * nothing is kept of the exchange, so that its end need not be told. */
    void (*answered)(void *data, uint64_t call, struct slice message, bool is_last);
    /* The filter pauses in it. */
    void (*paused)(void *data, uint64_t call);
    /* on_end has run, or nothing wants it: the guest is gone. */
    void (*finished)(void *data);
};

/* The chain has the one filter, and outlives the guest. */
struct isolated_guest *isolated_guest_create(struct runtime *runtime, const struct chain *chain,
                                             const struct guest_owner *owner, void *data);

/* Does what the message says; call is what it is known by. It may be put off while a thread has the exchange, and takes
 * the place of one of the same half that pauses. Returns false where it makes no sense: the guest is to be ended then.
 * May end the guest. */
bool isolated_guest_call(struct isolated_guest *guest, uint64_t call, struct slice message)
    __attribute__((warn_unused_result));

/* The worker's exchange is over; message, which may be empty, is what on_end may look at. finished comes when the hook
 * that is running has returned. */
void isolated_guest_end(struct isolated_guest *guest, struct slice message);

/* Whether a thread has it. */
bool isolated_guest_is_leased(const struct isolated_guest *guest);

#endif
