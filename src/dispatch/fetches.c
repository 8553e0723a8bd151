#include "dispatch/fetches.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/exchange.h"
#include "filter/fetch_services.h"
#include "http/forwarded.h"

#include <stdlib.h>

enum {
    WAITING_BYTES = 256 * 1024, /* of a streamed body, until the server takes them */
};

struct fetches {
    struct loop *loop;
    struct runtime *runtime;
    struct client *client;
    struct forward_settings forward;
    struct plan_route route;
    void (*on_count)(void *data);
    void *data;
    size_t count;
};

struct fetch_call {
    struct fetches *fetches;
    struct exchange *exchange;
    struct timer timer;             /* for what must not happen from within a call of the filter's */
    struct client_request *request; /* NULL: there is none yet, or none any more */
    struct slice filter;            /* its name, in the exchange's memory */

    const struct fetch_call_events *events; /* NULL: nobody wants to hear of it any more */
    void *events_data;
    bool is_started;
    bool is_telling;  /* on_body is running */
    bool is_stalled;  /* it does not want more for now */
    bool is_wanted;   /* it has asked for more meanwhile */
    bool is_last;     /* what it was given last is the end */
    bool is_finished; /* the exchange is */

    /* The request's body, where it is streamed. */
    struct client_request *upload; /* that waits for a piece */
    struct text waiting, sending;
    bool is_body_pulled;
    bool is_body_ended;
    bool is_room_owed;
};

static struct fetch_call *call_of(struct exchange *exchange)
{
    return exchange->owner_data;
}

static void free_call(struct fetch_call *call)
{
    struct fetches *fetches = call->fetches;
    timer_stop(fetches->loop, &call->timer);
    exchange_destroy(call->exchange);
    text_finish(&call->waiting);
    text_finish(&call->sending);
    free(call);
    --fetches->count;
    fetches->on_count(fetches->data);
}

static void free_if_over(struct fetch_call *call)
{
    if (call->is_finished && call->request == NULL)
        free_call(call);
}

static void on_client_over(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    call->request = call->upload = NULL;
    free_if_over(call);
}

/* Tells the outcome, and gives up what is left. The call may be gone on return, unless the exchange is at work. */
static void end_call(struct fetch_call *call, int failure)
{
    const struct fetch_call_events *events = call->events;
    struct exchange *exchange = call->exchange;
    call->events = NULL;
    if (events != NULL)
        events->on_over(call->events_data, failure);
    exchange_gone(exchange);
}

static bool is_loop(const struct fetch_call *call)
{
    const struct exchange *exchange = call->exchange;
    if (!forwarded_is_loop(&exchange->request.headers))
        return false;
    log_line(LOG_LEVEL_WARNING,
             "filter '%.*s': a fetch from upstream '%.*s' has come by ten times, so it seems to be sent in circles "
             "(request %.*s)",
             SLICE_ARG(call->filter), SLICE_ARG(call->exchange->upstream->name), SLICE_ARG(exchange->id));
    return true;
}

static void pull_body(void *source, struct client_request *request)
{
    struct exchange *exchange = source;
    call_of(exchange)->upload = request;
    exchange_pull_request(exchange);
}

static void forward(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    struct client *client = call->fetches->client;
    struct client_body body = {.length = -1, .pull = pull_body, .source = exchange};
    if (is_loop(call))
        exchange_answer(exchange, 508, "the request is sent in circles");
    else
        call->request = exchange->streams_request
                            ? client_send_body(client, exchange, &call->fetches->route, &body, on_client_over)
                            : client_send(client, exchange, &call->fetches->route, on_client_over);
}

/* Without a source it is an answer of FlexiLib's own, which says why there is no response. */
static void send_head(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    if (call->request == NULL)
        end_call(call, exchange->response.status);
    else if (call->events != NULL)
        call->events->on_head(call->events_data, exchange->response.status, &exchange->response.headers);
}

/* Returns whether more is wanted. */
static bool tell_body(struct fetch_call *call, struct slice data)
{
    call->is_telling = true;
    call->is_wanted = false;
    bool is_taken = call->events->on_body(call->events_data, data) || call->is_wanted;
    call->is_telling = false;
    return is_taken;
}

static void send_body(struct exchange *exchange, struct slice data, bool last)
{
    struct fetch_call *call = call_of(exchange);
    if (call->events == NULL)
        return;
    bool is_taken = data.length == 0 || tell_body(call, data);
    if (call->events == NULL)
        return;
    call->is_last = last;
    call->is_stalled = !is_taken;
    if (is_taken && last)
        end_call(call, 0);
    else if (is_taken)
        exchange_taken(exchange);
}

static void pull(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    if (call->request != NULL)
        client_pull(call->request);
}

static size_t count_waiting(const struct fetch_call *call)
{
    return call->waiting.length + call->sending.length;
}

/* Gives the client what it waits for, if that is there. */
static void supply_body(struct fetch_call *call)
{
    if (!call->is_body_pulled || (call->waiting.length == 0 && !call->is_body_ended))
        return;
    struct text spare = call->sending;
    call->is_body_pulled = false;
    call->sending = call->waiting;
    call->waiting = spare;
    text_clear(&call->waiting);
    exchange_request_body(call->exchange, text_slice(&call->sending), call->is_body_ended);
}

static void owe_room(struct fetch_call *call)
{
    if (call->is_room_owed && count_waiting(call) < WAITING_BYTES)
        timer_start(call->fetches->loop, &call->timer, 0);
}

static void pull_request(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    call->is_body_pulled = true;
    text_clear(&call->sending);
    owe_room(call);
    supply_body(call);
}

static void send_request(struct exchange *exchange, struct slice data, bool last)
{
    const struct fetch_call *call = call_of(exchange);
    if (call->upload != NULL)
        client_body_piece(call->upload, data, last);
}

static void flush(struct exchange *exchange)
{
}

static void cancel(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    struct client_request *request = call->request;
    call->request = call->upload = NULL;
    if (request != NULL)
        client_cancel(request);
}

/* It broke off, and the client has written why to the log. */
static void cut_off(struct exchange *exchange)
{
    end_call(call_of(exchange), 502);
}

static void paused(struct exchange *exchange, bool is_paused)
{
}

static void finished(struct exchange *exchange)
{
    struct fetch_call *call = call_of(exchange);
    call->is_finished = true;
    free_if_over(call);
}

static const struct exchange_owner owner = {
    .forward = forward,
    .send_head = send_head,
    .send_body = send_body,
    .pull = pull,
    .flush = flush,
    .pull_request = pull_request,
    .send_request = send_request,
    .cancel = cancel,
    .abort = cut_off,
    .paused = paused,
    .finished = finished,
};

static void begin(struct fetch_call *call)
{
    static const struct chain no_chain = {0};
    call->is_started = true;
    loop_keep_room(call->fetches->loop);
    exchange_start(call->exchange, &no_chain);
}

static void go_on(struct fetch_call *call)
{
    call->is_stalled = call->is_wanted = false;
    if (call->is_last)
        end_call(call, 0);
    else
        exchange_sent(call->exchange);
}

/* One thing at a time, since each may end the call. */
static void on_timeout(struct timer *timer)
{
    struct fetch_call *call = timer->data;
    bool has_more = call->is_stalled && call->is_wanted;
    if (call->events == NULL)
        return;
    if (!call->is_started) {
        begin(call);
    } else if (call->is_room_owed && count_waiting(call) < WAITING_BYTES) {
        call->is_room_owed = false;
        if (has_more)
            timer_start(call->fetches->loop, timer, 0);
        call->events->on_room(call->events_data);
    } else if (has_more) {
        go_on(call);
    }
}

/* What a request has come through, it has come through with what it gives rise to. */
static void add_via(struct exchange *exchange, const struct exchange *origin)
{
    struct headers *fields = &exchange->request.headers;
    if (headers_find(fields, SLICE("via")) != NULL)
        return;
    for (size_t i = 0; i < origin->request.headers.count; ++i) {
        const struct header *field = &origin->request.headers.items[i];
        if (slice_equals_nocase(field->name, SLICE("via")))
            headers_add(fields, &exchange->arena, SLICE("Via"), arena_copy(&exchange->arena, field->value));
    }
}

/* Servers are chosen by the client's address too. */
static void take_origin(struct exchange *exchange, const struct exchange *origin)
{
    add_via(exchange, origin);
    exchange->peer_address = arena_copy(&exchange->arena, origin->peer_address);
    exchange->peer_port = origin->peer_port;
}

static void fill_request(struct exchange *exchange, const struct fetch_order *order)
{
    struct request_head *request = &exchange->request;
    struct arena *arena = &exchange->arena;
    request->method = arena_copy(arena, order->method);
    request->scheme = SLICE("http");
    request->authority = arena_copy(arena, order->authority);
    request->path = arena_copy(arena, order->path);
    request->query = arena_copy(arena, order->query);
    request->has_query = order->has_query;
    request->minor_version = 1;
    for (size_t i = 0; i < order->field_count; ++i) {
        const struct flexilib_pair *field = &order->fields[i];
        headers_add(&request->headers, arena, arena_copy(arena, slice_of(field->name.data, field->name.length)),
                    arena_copy(arena, slice_of(field->value.data, field->value.length)));
    }
}

static struct exchange *make_exchange(struct fetch_call *call, const struct fetch_order *order)
{
    struct exchange *exchange = exchange_create(call->fetches->runtime, &owner, call);
    struct arena *arena = &exchange->arena;
    call->filter = arena_copy(arena, order->filter);
    fill_request(exchange, order);
    if (order->exchange == NULL) {
        exchange->id = arena_print(arena, "of filter '%.*s'", SLICE_ARG(order->filter));
    } else {
        exchange->id =
            arena_print(arena, "%.*s, filter '%.*s'", SLICE_ARG(order->exchange->id), SLICE_ARG(order->filter));
        take_origin(exchange, order->exchange);
    }
    exchange->upstream = order->upstream;
    exchange->streams_request = order->streams_body;
    exchange->request_length = -1;
    if (order->streams_body)
        text_add(&call->waiting, order->body);
    else
        exchange->request_body = arena_copy(arena, order->body);
    return exchange;
}

static struct fetch_call *start(void *context, const struct fetch_order *order, const struct fetch_call_events *events,
                                void *data)
{
    struct fetches *fetches = context;
    struct fetch_call *call = mem_zalloc(sizeof(*call));
    call->fetches = fetches;
    call->events = events;
    call->events_data = data;
    call->exchange = make_exchange(call, order);
    ++fetches->count;
    call->timer = (struct timer){.on_timeout = on_timeout, .data = call};
    timer_start(fetches->loop, &call->timer, 0);
    return call;
}

static bool write(struct fetch_call *call, struct slice data)
{
    if (call->is_body_ended || !call->exchange->streams_request)
        return false;
    /* where none wait, none are on their way that would tell of room: so a piece of any size is taken then */
    if (count_waiting(call) != 0 && count_waiting(call) + data.length > WAITING_BYTES) {
        call->is_room_owed = true;
        return false;
    }
    text_add(&call->waiting, data);
    supply_body(call);
    return true;
}

static void finish(struct fetch_call *call)
{
    call->is_body_ended = true;
    supply_body(call);
}

static void more(struct fetch_call *call)
{
    if (!call->is_telling && !call->is_stalled)
        return;
    call->is_wanted = true;
    if (call->is_stalled)
        timer_start(call->fetches->loop, &call->timer, 0);
}

static void cancel_call(struct fetch_call *call, const char *complaint)
{
    if (complaint != NULL)
        client_log_failure(call->fetches->client, call->exchange->upstream, complaint, call->exchange->id);
    call->events = NULL;
    if (call->is_started)
        exchange_gone(call->exchange);
    else
        free_call(call);
}

static const struct fetch_services services = {
    .start = start,
    .write = write,
    .finish = finish,
    .more = more,
    .cancel = cancel_call,
};

struct fetches *fetches_create(struct loop *loop, struct runtime *runtime, struct client *client,
                               void (*on_count)(void *data), void *data)
{
    struct fetches *fetches = mem_alloc(sizeof(*fetches));
    *fetches = (struct fetches){
        .loop = loop,
        .runtime = runtime,
        .client = client,
        .forward = {.host = HOST_KEEP, .forwarded = FORWARDED_NONE},
        .on_count = on_count,
        .data = data,
    };
    fetches->route = (struct plan_route){.target = PLAN_PROXY, .forward = &fetches->forward};
    runtime_use_fetches(runtime, &services, fetches);
    return fetches;
}

void fetches_destroy(struct fetches *fetches)
{
    if (fetches == NULL)
        return;
    runtime_end_fetches(fetches->runtime);
    runtime_use_fetches(fetches->runtime, NULL, NULL);
    free(fetches);
}

bool fetches_drain(struct fetches *fetches)
{
    runtime_close_fetches(fetches->runtime);
    return fetches->count != 0;
}

void fetches_cut(struct fetches *fetches)
{
    runtime_end_fetches(fetches->runtime);
}
