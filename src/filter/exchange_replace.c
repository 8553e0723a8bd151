#include "filter/decoding_services.h"
#include "filter/exchange_state.h"

/* What an orphan asks of the world. Its hook has returned, and it does nothing but end. */

static void ignore_cancel(struct exchange *exchange)
{
}

static void ignore_pause(struct exchange *exchange, bool is_paused)
{
}

/* Whoever has taken its place may still use its memory. */
static void on_orphan_finished(struct exchange *exchange)
{
    if (exchange->state->successor == NULL)
        exchange_destroy(exchange);
}

static const struct exchange_owner orphan_owner = {
    .cancel = ignore_cancel,
    .paused = ignore_pause,
    .finished = on_orphan_finished,
};

void exchange_leave_predecessor(struct exchange *predecessor)
{
    predecessor->state->successor = NULL;
    if (predecessor->phase == EXCHANGE_ENDED)
        exchange_destroy(predecessor);
}

/* What the thread that has the old one may change is not looked at. */
static void describe_client(struct exchange *fresh, const struct exchange *old)
{
    fresh->request = *old->state->lease.client_request;
    fresh->request_length = old->request_length;
    fresh->streams_request = old->streams_request;
    fresh->body_limit_bytes = old->body_limit_bytes;
    fresh->peer_address = old->peer_address;
    fresh->peer_port = old->peer_port;
    fresh->proxy_address = old->proxy_address;
    fresh->local_address = old->local_address;
    fresh->local_port = old->local_port;
    fresh->tls = old->tls;
    fresh->client_name = old->client_name;
    fresh->route_name = old->route_name;
    fresh->id = old->id;
    fresh->error_pages = old->error_pages;
    fresh->room = old->room;
    fresh->is_request_refused = old->is_request_refused;
    fresh->forwarding = old->forwarding;
    memcpy(fresh->trace_digits, old->trace_digits, sizeof(fresh->trace_digits));
}

/* How far the old one has come, as its client sees it. */
static void take_over_progress(struct exchange *fresh, const struct exchange *old)
{
    const struct exchange_state *before = old->state;
    struct exchange_state *state = fresh->state;
    state->is_client_head = before->is_client_head;
    state->is_request_over = before->is_request_over;
    state->request_bytes = before->request_bytes;
    state->is_head_sent = before->is_head_sent;
    fresh->phase = old->phase == EXCHANGE_SENT ? EXCHANGE_SENT
                   : before->is_head_sent      ? EXCHANGE_RESPONSE_BODY
                                               : EXCHANGE_REQUEST;
    if (!before->is_head_sent)
        return;
    fresh->response = old->response;
    fresh->response_bytes = old->response_bytes;
}

/* Nobody but the thread knows the old one any more: it ends when that gives it back. */
static void make_orphan(struct exchange *old)
{
    struct exchange_state *state = old->state;
    exchange_cancel_source(old);
    if (state->watched != NULL)
        old->owner->paused(old, false);
    state->watched = NULL;
    if (old->room != NULL) {
        struct half *halves[] = {&state->request, &state->response};
        for (int i = 0; i < 2; ++i) {
            old->room->collected_bytes -=
                halves[i]->collected.capacity + halves[i]->lent.capacity + halves[i]->coded_store.capacity;
            if (halves[i]->decoding != NULL)
                old->runtime->decoding_services->leave(halves[i]->decoding);
        }
    }
    old->room = NULL;
    old->owner = &orphan_owner;
    old->owner_data = NULL;
    state->is_gone = true;
}

void exchange_replace(struct exchange *old, int status)
{
    bool is_gone = old->state->is_gone;
    void (*replaced)(struct exchange * exchange, struct exchange * fresh) = old->owner->replaced;
    if (replaced == NULL)
        return;
    struct exchange *fresh = exchange_create(old->runtime, old->owner, old->owner_data);
    describe_client(fresh, old);
    take_over_progress(fresh, old);
    fresh->state->predecessor = old;
    old->state->successor = fresh;
    make_orphan(old);
    replaced(old, fresh);
    if (is_gone)
        fresh->state->is_gone = true;
    else if (fresh->state->is_head_sent)
        fresh->state->is_broken = true;
    else
        fresh->state->answer_status = status;
    exchange_run(fresh);
}
