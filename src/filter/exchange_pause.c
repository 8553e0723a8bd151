#include "filter/exchange_state.h"

#include "base/log.h"

static struct half *other_half(struct exchange_state *state, const struct half *half)
{
    return half == &state->request ? &state->response : &state->request;
}

/* A thread that has the exchange may be about to change that half's ticket. */
static bool has_ticket(const struct exchange_state *state, const struct half *half, uint64_t ticket)
{
    return state->lease.half != half && half->ticket == ticket;
}

bool exchange_has_ticket(const struct exchange *exchange, uint64_t ticket)
{
    const struct exchange_state *state = exchange->state;
    return ticket != 0 && (has_ticket(state, &state->request, ticket) || has_ticket(state, &state->response, ticket));
}

void exchange_watch(struct exchange *exchange, struct half *half)
{
    struct exchange_state *state = exchange->state;
    if (state->watched != NULL)
        return;
    state->watched = half;
    exchange->owner->paused(exchange, true);
}

/* Where the other half waits too, its time begins anew: what it has waited by now is not known. */
void exchange_unwatch(struct exchange *exchange, struct half *half)
{
    struct exchange_state *state = exchange->state;
    if (state->watched != half)
        return;
    exchange->owner->paused(exchange, false);
    struct half *other = other_half(state, half);
    state->watched = other->is_paused || state->lease.half == other ? other : NULL;
    if (state->watched != NULL)
        exchange->owner->paused(exchange, true);
}

void exchange_begin_pause(struct exchange *exchange, struct half *half)
{
    half->is_paused = true;
    exchange_watch(exchange, half);
}

static void end_pause(struct exchange *exchange, struct half *half)
{
    half->is_paused = false;
    exchange_unwatch(exchange, half);
}

void exchange_leave_pause(struct exchange *exchange, struct half *half)
{
    half->ticket = 0;
    if (half->is_paused)
        end_pause(exchange, half);
    if (half->is_resumed) {
        half->is_resumed = false;
        if (half->drop != NULL)
            half->drop(half->result);
    }
}

static struct half *find_paused(struct exchange_state *state, uint64_t ticket)
{
    if (state->request.is_paused && state->request.ticket == ticket)
        return &state->request;
    return state->response.is_paused && state->response.ticket == ticket ? &state->response : NULL;
}

/* Tickets are numbers, so others can name them. A library is one: its filters may well share a core. */
static bool may_end(const struct exchange *exchange, const struct half *half, const struct letter *letter)
{
    const struct use *paused = exchange->chain->uses[half->step], *sender = letter->sender;
    if (sender == NULL || sender->library == paused->library)
        return true;
    log_line(LOG_LEVEL_ERROR,
             "filter '%.*s': has ended a pause of filter '%.*s' of another library: that does nothing (request %.*s)",
             SLICE_ARG(sender->name), SLICE_ARG(paused->name), SLICE_ARG(exchange->id));
    return false;
}

static void blame_for_second(const struct exchange *exchange, const struct half *half, uint64_t ticket)
{
    if (ticket != 0 && half->resumed_ticket == ticket)
        exchange_blame(exchange, half->resumed_step, "has ended one pause twice: the second time does nothing");
}

bool exchange_resume(struct exchange *exchange, const struct letter *letter)
{
    struct exchange_state *state = exchange->state;
    struct half *half = find_paused(state, letter->ticket);
    if (half == NULL) {
        if (letter->sender != NULL) {
            blame_for_second(exchange, &state->request, letter->ticket);
            blame_for_second(exchange, &state->response, letter->ticket);
        }
        return false;
    }
    if (!may_end(exchange, half, letter))
        return false;
    half->is_resumed = true;
    half->ticket = 0;
    half->resumed_ticket = letter->sender != NULL ? letter->ticket : 0;
    half->resumed_step = half->step;
    half->result = letter->result;
    half->drop = letter->drop;
    /* the owner may call back, even to say that the client has gone: note it, act when this call is through */
    bool was_looping = state->is_looping;
    state->is_looping = true;
    end_pause(exchange, half);
    state->is_looping = was_looping;
    exchange_run(exchange);
    return true;
}

static void blame_for_time(struct exchange *exchange, const struct half *half, bool is_at_work, bool is_withdrawn)
{
    const char *hook = slot_hook_name(half->hook);
    if (!is_at_work)
        exchange_blame(exchange, half->step, "paused in %s for too long", hook);
    else if (is_withdrawn)
        exchange_blame(exchange, half->step, "could not begin with %s for too long, as others were at work", hook);
    else
        exchange_blame(exchange, half->step, "has been at work in %s for too long", hook);
}

void exchange_deadline(struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    struct half *half = state->watched;
    if (half == NULL)
        return;
    size_t step = half->step;
    bool is_at_work = state->lease.half == half;
    bool is_withdrawn = exchange_is_leased(exchange) && exchange_withdraw_lease(exchange);
    blame_for_time(exchange, half, is_at_work, is_withdrawn);
    hook_counts_fail(exchange->chain->uses[step]->counts, half->hook);
    if (exchange_is_leased(exchange)) {
        exchange_replace(exchange, 504);
        return;
    }
    bool was_looping = state->is_looping;
    state->is_looping = true;
    exchange_leave_pause(exchange, half);
    exchange_start_answer(exchange, 504, SLICE_NONE, step);
    state->is_looping = was_looping;
    exchange_run(exchange);
}
