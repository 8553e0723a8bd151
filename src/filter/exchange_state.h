#ifndef FLEXILIB_FILTER_EXCHANGE_STATE_H
#define FLEXILIB_FILTER_EXCHANGE_STATE_H

/* The inside of an exchange, shared by exchange*.c and the core calls.
 *
 * The machine is one loop, exchange_run: every event from outside and every answer of a hook only notes what has
 * happened; the loop then takes turns until there is nothing to do but wait. So hooks never nest for one exchange, and
 * neither long chains nor long bodies grow the stack. Each file below owns one part of the way:
 *
 *   exchange.c           life, events from the owner, the loop, pauses, the end
 *   exchange_hook.c      one call of a hook and what its answer means
 *   exchange_request.c   the request half
 *   exchange_response.c  the response half: heads, pieces of the body, what is handed to the owner
 *   exchange_answer.c    responses that begin here: replies of filters and answers of FlexiLib's own */

#include "base/text.h"
#include "filter/body_store.h"
#include "filter/runtime_state.h"

/* What the machine knows about one filter of the chain. */
struct step {
    void *state;      /* the filter's own, by set_state */
    bool is_seen;     /* one of its hooks was called, so its on_end is due */
    bool is_skipped;  /* it failed and the exchange goes on without it */
    bool has_decided; /* about bytes of the response's body, so it cannot be left out any more */
};

enum turn {
    TURN_MORE = 1, /* something has changed: look again */
    TURN_WAIT,     /* an event from outside has to come */
    TURN_OVER,     /* finished: the exchange may be gone already */
};

struct exchange_state {
    /* Kept when the exchange is recycled. */
    uint32_t place; /* in the runtime's table */
    struct text buffers[2];
    struct exchange *next_recycled;

    /* Everything from here on is zero at the start of an exchange. */
    struct step *steps;               /* as many as the chain has uses */
    char slot_id[SLOT_REQUEST_BYTES]; /* the exchange's id in the slot's shape: copied for every hook call */
    /* Request half: the step whose turn is next. Response half: how many steps, from the front, still have to see the
     * head or the piece at hand. */
    size_t position;
    size_t depth; /* the response passes the steps before this one */

    bool is_started;
    bool is_looping;
    bool is_gone;
    bool is_broken;      /* the head is sent and the rest cannot be: abort */
    bool is_client_head; /* the client asked with HEAD, whatever filters have made of it */
    bool owes_flush;

    /* The hook that is running, paused, or about to be resumed; SLOT_HOOK_NONE between hooks. */
    enum slot_hook hook;
    size_t step;
    bool is_in_hook; /* the filter's code is running */
    bool is_paused;
    bool is_resumed;
    uint64_t ticket; /* that would end the pause; 0: none, or spent */
    void *result;
    void (*drop)(void *result);

    /* The reply that the hook at hand has set, and the response's fields it has changed. */
    bool has_reply;
    int reply_status;
    struct slice reply_body;
    struct headers reply_headers;

    /* An answer of FlexiLib's own that waits for its turn; 0: none. */
    int answer_status;
    struct slice answer_text;
    unsigned retry_after_s; /* what it tells in Retry-After; 0: nothing */

    /* The request's body, where it comes by demand. */
    bool is_collecting; /* for filters that want it whole */
    bool is_request_pulled;
    bool is_request_over; /* the last piece has come, or will not */
    bool has_request_piece;
    struct slice request_piece;
    struct body_store collected;
    uint64_t request_bytes; /* that have come */

    /* Where the response's body comes from. */
    bool has_source; /* a forwarded response is under way (or waited for) */
    bool is_pulling;
    bool source_has_body;
    bool is_whole; /* the body is in memory, as one piece */

    /* The piece of a body that goes through the hooks, and what the hook at hand makes of it. */
    bool has_body_hooks;
    bool has_piece;
    bool is_last;
    struct slice piece;
    struct slice output;
    bool is_output_borrowed;  /* output is the piece itself, so far */
    unsigned output_buffer;   /* which buffer collects the output; the other may hold the piece */
    struct text request_body; /* a request body that hooks have changed */
    bool is_body_changed;     /* the response's, by a hook */

    bool is_head_sent;
    bool is_sending;
    bool is_last_sent;
};

/* exchange.c */

/* Takes turns until the exchange waits or is over. Does nothing where the loop is running already. The exchange may be
 * destroyed on return. */
void exchange_run(struct exchange *exchange);

/* Ends the pause with that ticket; false where the exchange does not wait for it, and result stays the caller's. */
bool exchange_resume(struct exchange *exchange, uint64_t ticket, void *result, void (*drop)(void *result));

/* Spends the ticket of a pause that is not to be waited for any longer. */
void exchange_leave_pause(struct exchange *exchange);

/* Tells the source of the response that it is not wanted any more, if there is one. */
void exchange_cancel_source(struct exchange *exchange);

void exchange_free_recycled(struct runtime *runtime);

/* exchange_hook.c */

/* Runs the hook for that step, or its on_resume where a pause of it has just ended. Returns true where the step is done
 * and position has moved on; false where the way has changed (a pause, a reply, a failure, an answer). */
bool exchange_run_hook(struct exchange *exchange, enum slot_hook hook, size_t step);

/* Whether that step takes part in the exchange (it has not failed open). */
static inline bool exchange_is_active(const struct exchange *exchange, size_t step)
{
    return !exchange->state->steps[step].is_skipped;
}

/* Calls on_end for every step that saw something, in reverse order. */
void exchange_run_ends(struct exchange *exchange);

/* The hook at hand may decide about body bytes. */
static inline bool exchange_is_body_hook(const struct exchange *exchange)
{
    return exchange->state->hook == SLOT_HOOK_REQUEST_BODY || exchange->state->hook == SLOT_HOOK_RESPONSE_BODY;
}

/* Adds to what the body hook at hand sends on. */
void exchange_emit_piece(struct exchange *exchange);
void exchange_emit(struct exchange *exchange, struct slice data);

/* Writes a line to the log that blames the filter of that step. */
void exchange_blame(const struct exchange *exchange, size_t step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* exchange_request.c */

enum turn exchange_turn_request_head(struct exchange *exchange);
enum turn exchange_turn_request_body(struct exchange *exchange);

/* Frees what was collected of the request's body. */
void exchange_forget_collected(struct exchange *exchange);

/* exchange_response.c */

enum turn exchange_turn_response_head(struct exchange *exchange);
enum turn exchange_turn_response_body(struct exchange *exchange);

/* exchange_answer.c */

/* Makes an answer of FlexiLib's own the response, which the steps before depth will see: or gives the response up where
 * its head has been sent. text may be empty. */
void exchange_start_answer(struct exchange *exchange, int status, struct slice text, size_t depth);

/* Makes the reply that the step has set the response. */
void exchange_start_reply(struct exchange *exchange, size_t step);

/* How many steps, from the front, have not seen the response that is under way or would come next. */
size_t exchange_unseen_depth(const struct exchange *exchange);

#endif
