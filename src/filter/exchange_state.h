#ifndef FLEXILIB_FILTER_EXCHANGE_STATE_H
#define FLEXILIB_FILTER_EXCHANGE_STATE_H

/* The inside of an exchange, shared by exchange*.c and the core calls.
 *
 * The machine is one loop, exchange_run: every event from outside and every answer of a hook only notes what has
 * happened; the loop then takes turns until there is nothing to do but wait. So hooks never nest for one exchange, and
 * neither long chains nor long bodies grow the stack. Each file below owns one part of the way:
 *
 *   exchange.c           life, the loop, the end
 *   exchange_event.c     what the owner tells: pieces of both halves, failures, that the client has gone
 *   exchange_pause.c     pauses: their beginning, what ends them, and their deadline
 *   exchange_hook.c      one call of a hook, and what its answer means
 *   exchange_lease.c     hooks that run on another thread
 *   exchange_replace.c   what becomes of those that take too long
 *   exchange_half.c      how a head and the pieces of a body pass the filters, the same for both halves
 *   exchange_collect.c   bodies that a filter wants whole
 *   exchange_decode.c    bodies whose coding is taken off on their way
 *   exchange_request.c   the request half: forwarding, and where its pieces come from and go to
 *   exchange_response.c  the response half: where its pieces come from, and what is handed to the owner
 *   exchange_answer.c    responses that begin here: replies of filters and answers of FlexiLib's own
 *
 * Both halves are of one make: a head goes through the filters first, then pieces of the body follow it, one at a time.
 * A filter may hold the head; then pieces go as far as that filter, until it lets the head go on. The request half may
 * still be under way when the response comes back, and each may pause by itself.
 *
 * A hook of a filter that blocks runs on a thread of the pool, which so leases the exchange. Meanwhile the loop takes
 * no turn; it only notes what happens, in fields that no core call touches; and core calls take memory of lease.arena.
 * All that such a hook may look at is the exchange's own by then (exchange_lease.c), as the client may leave before it
 * returns. */

#include "base/text.h"
#include "filter/body_store.h"
#include "filter/runtime_state.h"

/* What the machine knows about one filter of the chain. Arrays of two are indexed by flexilib_half. */
struct step {
    void *state;         /* the filter's own, by set_state */
    bool is_seen;        /* one of its hooks was called, so its on_end is due */
    bool is_skipped;     /* it failed and the exchange goes on without it */
    bool has_decided[2]; /* about bytes of a body that is under way, so it cannot be left out any more */
    bool skips_body[2];  /* it does not want this one */
};

/* A result that has come while a thread had the exchange. */
struct late_letter {
    struct letter letter;
    STAILQ_ENTRY(late_letter) entry;
};

/* The work of a hook on another thread. */
struct lease {
    struct pool_job job; /* at the front: the pool's calls find the lease by it */
    struct exchange *exchange;
    struct half *half; /* whose hook it is; NULL: no thread has the exchange */
    bool was_seen;     /* by the step of that hook, before */
    flexilib_answer answer;
    struct arena arena;
    struct text copies[2]; /* of pieces that were lent, by half */
    STAILQ_HEAD(late_letters, late_letter) letters;
    struct request_head *client_request; /* as it was when the first lease began; NULL: there was none */
};

enum turn {
    TURN_MORE = 1, /* something has changed: look again */
    TURN_WAIT,     /* an event from outside has to come */
    TURN_OVER,     /* finished: the exchange may be gone already */
};

/* A body that a filter has lent; release is called once, when nobody reads it any more. */
struct loan {
    void (*release)(void *data); /* NULL: nobody wants to know */
    void *data;
};

/* The reply that a hook has set, and the response's fields it has changed. */
struct reply {
    bool is_set;
    bool is_streamed; /* the body comes by on_reply_body */
    int status;
    struct slice body;
    struct loan loan;
    struct headers headers;
};

/* The way of one half's head and body. "Steps on its way" are counted as they are passed: from the front for the
 * request, towards it for the response. */
struct half {
    flexilib_half which;
    size_t count;  /* steps on the way */
    size_t heads;  /* of them that have seen the head, */
    size_t passed; /* and that the piece at hand has left behind */

    /* The hook that is running, paused, or about to be resumed; SLOT_HOOK_NONE between hooks. */
    enum slot_hook hook;
    size_t step; /* in the chain */
    bool is_paused;
    bool is_resumed;
    uint64_t ticket;         /* that would end the pause; 0: none, or spent */
    uint64_t resumed_ticket; /* by which the filter has ended the last one itself, */
    size_t resumed_step;     /* which is the one of that step */
    void *result;
    void (*drop)(void *result);
    struct reply reply;
    struct slice asked_coding;  /* by a head hook on another thread: is to be taken off the body; empty: none */
    bool asks_hold, asks_whole; /* what the head hook at hand has called */
    uint64_t most_bytes;        /* of a body that it asks for, or that is being collected */

    bool is_held;       /* by the last step that has seen the head */
    bool is_collecting; /* for that step */
    struct body_store collected;
    struct body_store lent; /* what was collected, while it is used as a piece */

    /* From the step at that place on, pieces are those of the plain body. */
    struct decoding *decoding; /* NULL: they are as they come */
    size_t decoded_at;
    struct slice coded;            /* what is left of the coded piece at hand */
    struct text coded_buffer;      /* where that is, if a filter has written it, */
    struct body_store coded_store; /* or if it was collected */
    bool is_coded_last;
    bool is_decoding;    /* there is more to come out of it */
    bool is_decoded;     /* the piece at hand is a plain one */
    bool is_coding_open; /* the coded body may not end here */
    uint64_t decoded_bytes;

    /* The piece of the body that goes through the hooks, and what the hook at hand makes of it. */
    bool has_body_hooks; /* known when the head is through, */
    bool may_change;     /* whether any of them does more than look, */
    bool may_block;      /* and whether any runs on another thread */
    bool has_piece;
    bool is_last;
    struct slice piece;
    bool is_piece_lent; /* by whoever gave it */
    struct slice output;
    bool is_output_borrowed; /* output is the piece itself, so far */
    unsigned output_buffer;  /* which buffer collects the output; the other may hold the piece */
    bool is_changed;         /* a hook has made another body of it */
    bool is_reply_ended;     /* the output is the end of a reply that is streamed */
};

struct exchange_state {
    /* Kept when the exchange is recycled. */
    uint32_t place;   /* in the runtime's table */
    uint64_t tickets; /* given out so far, those of others that had the place included */
    struct text buffers[2][2];
    struct exchange *next_recycled;
    struct runtime *runtime; /* the exchange's own, also when that is over */

    /* Everything from here on is zero at the start of an exchange. */
    struct step *steps;               /* as many as the chain has uses */
    struct slot_request slot_request; /* copied for every hook call */
    struct belonging *belongings;     /* what has to end before on_end */
    struct half request;
    struct half response; /* passes the steps before the one it begins at */
    struct half *running; /* whose hook's code is running; NULL: none */
    struct half *watched; /* whose wait began first; NULL: neither waits */
    struct lease lease;
    struct exchange *predecessor; /* that this one has replaced, and whose memory it uses; NULL: none */
    struct exchange *successor;   /* the other way round */
    bool is_orphan;               /* replaced */
    bool is_guest;                /* of a runner: see isolated_own.h */
    int failure_status; /* what the client is told where a hook fails next; 0: 503, and the filter is blamed */
    bool is_kept_back;  /* in the runtime's list of those, with nothing begun */
    TAILQ_ENTRY(exchange_state) kept_back;
    size_t ends; /* steps, from the front, whose on_end is still due */

    bool is_looping;
    bool is_gone;
    bool is_broken;      /* the head is sent and the rest cannot be: abort */
    bool is_client_head; /* the client asked with HEAD, whatever filters have made of it */
    bool owes_flush;

    /* An answer of FlexiLib's own that waits for its turn; 0: none. */
    int answer_status;
    struct slice answer_text;
    unsigned retry_after_s; /* what it tells in Retry-After; 0: nothing */

    /* Where the request's body comes from, and who takes it. */
    bool is_body_at_hand;   /* all of it, from the start; nobody has taken it yet */
    bool is_request_pulled; /* the owner was asked for the next piece */
    bool is_request_over;   /* the last piece has come, or will not */
    bool is_request_wanted; /* whom the request was forwarded to waits for a piece */
    bool is_request_done;   /* no more of it is of use */
    uint64_t request_bytes; /* that have come */

    /* Where the response's body comes from. */
    bool has_source; /* a forwarded response is under way (or waited for) */
    bool is_pulling;
    bool source_has_body;
    bool is_own;      /* the response begins here: an answer, or a reply */
    size_t streamer;  /* the step whose on_reply_body gives the pieces, plus 1; 0: none */
    struct loan loan; /* the body of a reply, as a whole */

    bool is_head_sent;
    bool is_sending;
    bool is_last_sent;
};

/* exchange.c */

/* Takes turns until the exchange waits or is over. Does nothing where the loop is running already. The exchange may be
 * destroyed on return. */
void exchange_run(struct exchange *exchange);

void exchange_free_recycled(struct runtime *runtime);

static inline bool exchange_is_over(const struct exchange *exchange)
{
    return exchange->phase >= EXCHANGE_SENT;
}

/* Whether something may still come to belong to it: filters know it, and on_end is not near. */
static inline bool exchange_is_alive(const struct exchange *exchange)
{
    return exchange->phase != EXCHANGE_NEW && !exchange_is_over(exchange);
}

/* exchange_event.c */

/* What the client asked with decides about the response's body; filters may change the method for the upstream. */
void exchange_leave_phase_new(struct exchange *exchange);

/* Answers 413 where no response has begun: the request's body is larger than may be. */
void exchange_refuse_body(struct exchange *exchange);

/* Tells the source of the response that it is not wanted any more, if there is one. */
void exchange_cancel_source(struct exchange *exchange);

/* exchange_lease.c */

static inline bool exchange_is_leased(const struct exchange *exchange)
{
    return exchange->state->lease.half != NULL;
}

/* Where core calls take memory from. */
static inline struct arena *exchange_memory(struct exchange *exchange)
{
    return exchange_is_leased(exchange) ? &exchange->state->lease.arena : &exchange->arena;
}

/* Has the half's hook run on another thread. Returns false where there is none for it. */
bool exchange_begin_lease(struct exchange *exchange, struct half *half, bool was_seen);

/* Takes the hook back, and drops what has come for pauses meanwhile; false where it runs already. */
bool exchange_withdraw_lease(struct exchange *exchange);

/* Keeps a result until the lease is over. */
void exchange_keep_letter(struct exchange *exchange, const struct letter *letter);

/* Frees what leases have left. */
void exchange_forget_leases(struct exchange *exchange);

/* exchange_replace.c */

/* Puts a fresh exchange in the place of one that a thread has: which answers with that status, or cuts the response. */
void exchange_replace(struct exchange *exchange, int status);

/* Lets go of the one that this one has replaced. */
void exchange_leave_predecessor(struct exchange *predecessor);

/* exchange_pause.c */

/* Whether that ticket is good: its hook has not answered yet, or pauses. */
bool exchange_has_ticket(const struct exchange *exchange, uint64_t ticket);

/* Has the owner watch the time that the half waits, unless it watches the other one; and no longer. */
void exchange_watch(struct exchange *exchange, struct half *half);
void exchange_unwatch(struct exchange *exchange, struct half *half);

void exchange_begin_pause(struct exchange *exchange, struct half *half);

/* Ends the pause with that ticket; false where the exchange does not wait for it, and the result stays the caller's. */
bool exchange_resume(struct exchange *exchange, const struct letter *letter);

/* Spends the ticket of a pause that is not to be waited for any longer. */
void exchange_leave_pause(struct exchange *exchange, struct half *half);

/* exchange_hook.c */

/* Calls the code of the half's hook. [any thread] */
flexilib_answer exchange_call_hook(struct exchange *exchange, struct half *half);

/* Runs the hook for that step, or its on_resume where a pause of it has just ended. Returns true where head or piece
 * have moved on; false where the way has changed (a pause, a reply, a failure). */
bool exchange_run_hook(struct exchange *exchange, struct half *half, enum slot_hook hook, size_t step);

/* Takes up what the code of that half's hook has answered; returns as exchange_run_hook does. */
bool exchange_settle_hook(struct exchange *exchange, struct half *half, flexilib_answer answer);

/* Whether that step takes part in the exchange (it has not failed open). */
static inline bool exchange_is_active(const struct exchange *exchange, size_t step)
{
    return !exchange->state->steps[step].is_skipped;
}

/* Goes on without that step, if it may: its configuration says so, and no bytes depend on it. */
bool exchange_try_skip(struct exchange *exchange, size_t step, flexilib_half failed);

/* Calls on_end for every step that saw something, in reverse order. Returns false where one runs on another thread. */
bool exchange_run_ends(struct exchange *exchange);

/* Adds to what the body hook at hand sends on. */
void exchange_emit_piece(struct exchange *exchange, struct half *half);
void exchange_emit(struct exchange *exchange, struct half *half, struct slice data);

/* Blames the filter whose code is running, if one is, for a call about an exchange that is not that code's concern. */
void exchange_blame_stranger(const struct exchange *exchange, const char *call);

/* Writes a line to the log that blames the filter of that step. */
void exchange_blame(const struct exchange *exchange, size_t step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* exchange_half.c */

/* Sends a new head on its way through the first count steps of the chain. What the half was doing is dropped. */
void exchange_begin_half(struct exchange *exchange, struct half *half, size_t count);

/* Leads the head through the steps as far as it goes. Returns false where the way has changed. */
bool exchange_pass_head(struct exchange *exchange, struct half *half);

/* Leads the piece through the steps that have seen the head. Returns false where there is none any more, or the way has
 * changed. */
bool exchange_pass_piece(struct exchange *exchange, struct half *half);

/* Lets the half go on after its hook, which has returned for good. */
void exchange_leave_hook(struct exchange *exchange, struct half *half);

/* Whether that step has something to do with the body. */
bool exchange_has_body_hook(const struct exchange *exchange, const struct half *half, size_t step);

/* Looks whether any step on the way has, and what it may do. */
void exchange_note_body_hooks(const struct exchange *exchange, struct half *half);

/* Gives the half its next piece. */
void exchange_take_piece(struct exchange *exchange, struct half *half, struct slice piece, bool last);

static inline bool exchange_is_head_through(const struct half *half)
{
    return half->heads == half->count && !half->is_held;
}

static inline size_t exchange_step_at(const struct half *half, size_t place)
{
    return half->which == FLEXILIB_REQUEST ? place : half->count - 1 - place;
}

/* The step that holds the head. */
static inline size_t exchange_holder(const struct half *half)
{
    return exchange_step_at(half, half->heads - 1);
}

/* exchange_collect.c */

/* Adds the piece to what is collected for the step. Returns true where the piece is the whole body now; false where
 * there is none any more, or the way has changed. */
bool exchange_collect(struct exchange *exchange, struct half *half, size_t step);

/* Keeps the piece, which is through all filters, until all of the body is. Returns false where the way has changed. */
bool exchange_keep_piece(struct exchange *exchange, struct half *half);

/* Frees what the piece at hand was made of, or what was collected as well. */
void exchange_forget_lent(struct exchange *exchange, struct half *half);
void exchange_forget_collected(struct exchange *exchange, struct half *half);

/* exchange_decode.c */

/* Has the coding taken off the body, for the step that has the head now and all behind it. False where there is no room
 * for that. */
bool exchange_begin_decoding(struct exchange *exchange, struct half *half, struct slice coding);

/* Makes a plain piece of the coded one that has come. Returns false where there is none yet, or the way has changed. */
bool exchange_decode_piece(struct exchange *exchange, struct half *half);

/* Makes the next plain piece, where the coded one holds more than one. Returns false where it does not. */
bool exchange_decode_more(struct exchange *exchange, struct half *half);

void exchange_end_decoding(struct exchange *exchange, struct half *half);

/* The piece is the last one, and will not become more of them. */
static inline bool exchange_has_last_piece(const struct half *half)
{
    bool is_coded = half->decoding != NULL && !half->is_decoded;
    return half->has_piece && half->is_last && !is_coded;
}

/* exchange_request.c */

enum turn exchange_turn_request(struct exchange *exchange);

/* exchange_response.c */

enum turn exchange_turn_response(struct exchange *exchange);

/* exchange_answer.c */

/* Makes an answer of FlexiLib's own the response, which the steps before depth will see: or gives the response up where
 * its head has been sent. text may be empty. */
void exchange_start_answer(struct exchange *exchange, int status, struct slice text, size_t depth);

/* Makes the reply that the half's hook has set the response. */
void exchange_start_reply(struct exchange *exchange, struct half *half);

/* Gives back what was lent, if anything was. */
void exchange_release(struct loan *loan);

/* Forgets the reply that the half's hook has set, if it has. */
static inline void exchange_drop_reply(struct half *half)
{
    if (half->reply.is_set)
        exchange_release(&half->reply.loan);
    half->reply.is_set = false;
}

/* How many steps, from the front, have not seen the response that is under way or would come next. */
size_t exchange_unseen_depth(const struct exchange *exchange);

#endif
