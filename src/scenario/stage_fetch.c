#include "filter/fetch_services.h"
#include "scenario/stage.h"

/* Requests that filters make themselves, and the answers that they get. */

enum {
    MOST_WAITING_BYTES = 256 * 1024, /* what the contract says */
};

struct fetch_call {
    struct ask *ask;
    struct fetch_call_events events;
    void *data;
    struct text waiting; /* of the request's body: what the upstream has not read */
    bool is_complete;    /* nothing is added to it any more */
    bool wants_room;     /* something was refused */
};

static void end_call(struct fetch_call *call)
{
    text_finish(&call->waiting);
    call->ask->asker = NULL;
}

static void give_waiting(struct fetch_call *call)
{
    bool had_no_room = call->wants_room;
    ask_give_body(call->ask, text_slice(&call->waiting), call->is_complete);
    text_clear(&call->waiting);
    call->wants_room = false;
    if (had_no_room)
        call->events.on_room(call->data);
}

static void pull_body(struct ask *ask)
{
    struct fetch_call *call = ask->asker_data;
    if (call->waiting.length != 0 || call->is_complete)
        give_waiting(call);
}

static void take_head(struct ask *ask, const struct response_head *head)
{
    struct fetch_call *call = ask->asker_data;
    ask_pull(ask);
    call->events.on_head(call->data, head->status, &head->headers);
}

static void tell_end(struct fetch_call *call, int failure)
{
    const struct fetch_call_events events = call->events;
    void *data = call->data;
    end_call(call);
    events.on_over(data, failure);
}

static void take_piece(struct ask *ask, struct slice piece, bool last)
{
    struct fetch_call *call = ask->asker_data;
    bool wants_more = piece.length == 0 || call->events.on_body(call->data, piece);
    if (ask->asker == NULL || !wants_more)
        return;
    if (last)
        tell_end(call, 0);
    else
        ask_pull(ask);
}

static void take_failure(struct ask *ask, int status)
{
    tell_end(ask->asker_data, status);
}

static const struct asker asker = {
    .pull_body = pull_body,
    .take_head = take_head,
    .take_piece = take_piece,
    .take_failure = take_failure,
};

static void show_fields(struct ask *ask, const struct fetch_order *order)
{
    struct arena *arena = &ask->stage->arena;
    if (order->authority.length != 0)
        headers_add(&ask->seen.headers, arena, SLICE("host"), arena_copy(arena, order->authority));
    for (size_t i = 0; i < order->field_count; ++i) {
        const struct flexilib_pair *field = &order->fields[i];
        headers_add(&ask->seen.headers, arena, arena_copy(arena, slice_of(field->name.data, field->name.length)),
                    arena_copy(arena, slice_of(field->value.data, field->value.length)));
    }
}

static struct fetch_call *start(void *context, const struct fetch_order *order, const struct fetch_call_events *events,
                                void *data)
{
    struct stage *stage = context;
    struct fetch_call *call = arena_zalloc(&stage->arena, sizeof(*call));
    struct stage_upstream *upstream = stage_find_upstream(stage, order->upstream->name);
    *call = (struct fetch_call){.events = *events, .data = data, .is_complete = !order->streams_body};
    call->ask = ask_add(stage, upstream, &asker, call);
    ask_show_head(call->ask, order->method, order->path, order->has_query ? &order->query : NULL);
    show_fields(call->ask, order);
    if (!order->streams_body)
        ask_show_length(call->ask, (int64_t)order->body.length);
    text_add(&call->waiting, order->body);
    return call;
}

static bool write_body(struct fetch_call *call, struct slice data)
{
    call->wants_room = call->waiting.length != 0 && call->waiting.length + data.length > MOST_WAITING_BYTES;
    if (call->wants_room)
        return false;
    text_add(&call->waiting, data);
    call->ask->is_asked = false;
    return true;
}

static void finish(struct fetch_call *call)
{
    call->is_complete = true;
    call->ask->is_asked = false;
}

static void more(struct fetch_call *call)
{
    ask_pull(call->ask);
}

static void cancel(struct fetch_call *call, const char *complaint)
{
    text_finish(&call->waiting);
    if (complaint != NULL)
        stage_tell(call->ask->stage, "%s", complaint);
    ask_leave(call->ask);
}

const struct fetch_services stage_fetch_services = {
    .start = start,
    .write = write_body,
    .finish = finish,
    .more = more,
    .cancel = cancel,
};
