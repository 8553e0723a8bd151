#include "filter/filter_fetches.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/core_calls.h"
#include "filter/request_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    USUAL_TIMEOUT_MS = 30 * 1000,
    MOST_FETCHES = 1000, /* of one use at a time */
};

static const uint64_t longest_timeout_ms = UINT64_C(1) << 45;

struct filter_fetch {
    struct belonging belonging; /* at the front */
    LIST_ENTRY(filter_fetch) entry;
    struct runtime *runtime;
    struct use *use;
    struct fetch_call *call; /* NULL: it is never sent */
    struct alarm *alarm;     /* NULL: it has come, or nobody has a clock */
    uint64_t number, timeout_ms;
    struct slot_request request;
    struct flexilib_fetch_events events;
    void *data;
};

static void begin_event(const struct filter_fetch *fetch, enum slot_hook hook, struct slot_call *mark)
{
    *mark = runtime_mark(fetch->runtime);
    runtime_enter(fetch->runtime, fetch->use, hook, &fetch->request);
}

/* Takes it out of everything that knows it. */
static void forget(struct filter_fetch *fetch)
{
    struct filter_fetches *fetches = &fetch->runtime->fetches;
    belonging_leave(&fetch->belonging);
    numbers_take(&fetches->numbers, fetch->number);
    LIST_REMOVE(fetch, entry);
    if (fetch->alarm != NULL)
        fetch->runtime->timer_services->stop(fetch->alarm);
    --fetch->use->fetch_count;
}

/* The last that the filter hears of it; a call that there was is gone. */
static void finish_fetch(struct filter_fetch *fetch, int32_t failure)
{
    struct slot_call mark;
    forget(fetch);
    begin_event(fetch, SLOT_HOOK_FETCH_OVER, &mark);
    if (fetch->events.on_over != NULL && !fetch->use->is_abandoned)
        fetch->events.on_over(fetch->data, failure);
    runtime_restore(fetch->runtime, &mark);
    free(fetch);
}

static void cancel_fetch(struct filter_fetch *fetch, int32_t failure, const char *complaint)
{
    struct fetch_call *call = fetch->call;
    fetch->call = NULL;
    if (call != NULL)
        fetch->runtime->fetches.services->cancel(call, complaint);
    finish_fetch(fetch, failure);
}

static void end_fetch(struct belonging *belonging)
{
    cancel_fetch((struct filter_fetch *)belonging, FLEXILIB_FETCH_CANCELLED, NULL);
}

static void on_alarm(void *data)
{
    struct filter_fetch *fetch = data;
    char complaint[SLOT_FILTER_BYTES + 128];
    fetch->alarm = NULL;
    snprintf(complaint, sizeof(complaint), "filter '%s' has given a fetch %" PRIu64 " ms, which are over",
             fetch->use->slot_name, fetch->timeout_ms);
    cancel_fetch(fetch, 504, complaint);
}

static void on_head(void *data, int status, const struct headers *fields)
{
    const struct filter_fetch *fetch = data;
    struct slot_call mark;
    if (fetch->events.on_head == NULL)
        return;
    struct runtime *runtime = fetch->runtime;
    struct flexilib_pair *pairs = mem_alloc((fields->count + 1) * sizeof(*pairs));
    for (size_t i = 0; i < fields->count; ++i)
        pairs[i] = (struct flexilib_pair){text_of(fields->items[i].name), text_of(fields->items[i].value)};
    begin_event(fetch, SLOT_HOOK_FETCH_HEAD, &mark);
    fetch->events.on_head(fetch->data, status, pairs, fields->count);
    runtime_restore(runtime, &mark);
    free(pairs);
}

static bool on_body(void *data, struct slice piece)
{
    const struct filter_fetch *fetch = data;
    struct slot_call mark;
    if (fetch->events.on_body == NULL)
        return true;
    struct runtime *runtime = fetch->runtime;
    begin_event(fetch, SLOT_HOOK_FETCH_BODY, &mark);
    bool wants_more = fetch->events.on_body(fetch->data, piece.data, piece.length);
    runtime_restore(runtime, &mark);
    return wants_more;
}

static void on_room(void *data)
{
    const struct filter_fetch *fetch = data;
    struct slot_call mark;
    if (fetch->events.on_room == NULL)
        return;
    struct runtime *runtime = fetch->runtime;
    begin_event(fetch, SLOT_HOOK_FETCH_ROOM, &mark);
    fetch->events.on_room(fetch->data);
    runtime_restore(runtime, &mark);
}

static void on_over(void *data, int failure)
{
    struct filter_fetch *fetch = data;
    fetch->call = NULL;
    finish_fetch(fetch, failure);
}

static const struct fetch_call_events call_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_room = on_room,
    .on_over = on_over,
};

static struct slice slice_of_text(struct flexilib_text text)
{
    return slice_of(text.data, text.length);
}

static const char *judge_fields(const struct flexilib_pair *fields, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        struct slice name = slice_of_text(fields[i].name);
        if (!header_is_name(name))
            return "a field's name is no token";
        if (!header_is_value(slice_of_text(fields[i].value)))
            return "a field's value holds a control character, or a blank at an end";
        if (header_is_hop_by_hop(name))
            return "a field frames messages or belongs to one connection";
        if (slice_equals_nocase(name, SLICE("host")))
            return "the host is said by authority";
    }
    return NULL;
}

static struct fetch_order read_order(const struct use *use, const struct exchange *exchange,
                                     const struct flexilib_fetch_request *request)
{
    struct slice target = slice_of_text(request->path);
    size_t mark = slice_find(target, '?');
    struct fetch_order order = {
        .upstream = runtime_find_upstream(use->runtime, slice_of_text(request->upstream)),
        .method = request->method.length == 0 ? SLICE("GET") : slice_of_text(request->method),
        .authority = slice_of_text(request->authority),
        .path = slice_of(target.data, mark),
        .has_query = mark < target.length,
        .fields = request->fields,
        .field_count = request->field_count,
        .body = slice_of_text(request->body),
        .streams_body = request->streams_body,
        .exchange = exchange,
        .filter = use->name,
    };
    if (order.has_query)
        order.query = slice_skip(target, mark + 1);
    return order;
}

static const char *judge_order(const struct fetch_order *order)
{
    const char *fault = request_text_judge_method(order->method);
    if (fault == NULL && order->authority.length != 0)
        fault = request_text_judge_authority(order->authority);
    if (fault == NULL)
        fault = request_text_judge_path(order->path);
    if (fault == NULL)
        fault = request_text_judge_query(order->query);
    if (fault == NULL)
        fault = judge_fields(order->fields, order->field_count);
    return fault;
}

static const char *judge_circumstances(const struct runtime *runtime, const struct fetch_order *order)
{
    if (runtime->fetches.is_closed)
        return "the worker is about to end";
    if (order->exchange != NULL && !exchange_is_alive(order->exchange))
        return "its exchange is over";
    /* without a configuration, as where a library is looked at, nobody knows what there may be */
    return order->upstream == NULL && runtime->services.settings != NULL ? "there is no upstream of that name" : NULL;
}

static void tell_refusal(const struct use *use, const struct fetch_order *order, struct slice upstream, const char *why)
{
    struct slice id = order->exchange == NULL ? SLICE_NONE : order->exchange->id;
    log_line(LOG_LEVEL_ERROR, "filter '%.*s': a fetch from upstream '%.*s' was refused: %s%s%.*s%s",
             SLICE_ARG(use->name), SLICE_ARG(upstream), why, id.length == 0 ? "" : " (request ", SLICE_ARG(id),
             id.length == 0 ? "" : ")");
}

/* A filter that is at its bound is likely to stay there for long. */
static bool has_room(struct use *use)
{
    if (use->fetch_count < MOST_FETCHES / 2)
        use->is_crowd_told = false;
    if (use->fetch_count < MOST_FETCHES)
        return true;
    if (!use->is_crowd_told)
        log_line(LOG_LEVEL_ERROR, "filter '%.*s': has %d fetches under way, and gets no more for now",
                 SLICE_ARG(use->name), MOST_FETCHES);
    use->is_crowd_told = true;
    return false;
}

static struct filter_fetch *make_fetch(struct use *use, struct exchange *exchange)
{
    struct filter_fetches *fetches = &use->runtime->fetches;
    struct filter_fetch *fetch = mem_zalloc(sizeof(*fetch));
    fetch->runtime = use->runtime;
    fetch->use = use;
    fetch->number = numbers_give(&fetches->numbers, fetch);
    LIST_INSERT_HEAD(&fetches->list, fetch, entry);
    ++use->fetch_count;
    fetch->belonging.end = end_fetch;
    belonging_join(exchange == NULL ? &use->belongings : &exchange->state->belongings, &fetch->belonging);
    if (exchange != NULL)
        fetch->request = exchange->state->slot_request;
    return fetch;
}

static void set_alarm(struct filter_fetch *fetch, uint64_t timeout_ms)
{
    const struct runtime *runtime = fetch->runtime;
    fetch->timeout_ms = timeout_ms == 0 ? USUAL_TIMEOUT_MS : timeout_ms;
    if (fetch->timeout_ms > longest_timeout_ms)
        fetch->timeout_ms = longest_timeout_ms;
    if (runtime->timer_services != NULL)
        fetch->alarm = runtime->timer_services->start(runtime->timer_context, fetch->timeout_ms, on_alarm, fetch);
}

/* Whatever the library was built with, no more is read than it has. */
static void copy_sized(void *to, size_t capacity, const void *from, size_t size)
{
    memset(to, 0, capacity);
    memcpy(to, from, size < capacity ? size : capacity);
}

static uint64_t start(const struct flexilib_core *core, struct flexilib_exchange *seen,
                      const struct flexilib_fetch_request *given, const struct flexilib_fetch_events *events,
                      void *data)
{
    struct use *use = use_of_core_changing(core);
    struct exchange *exchange = exchange_of(seen);
    struct filter_fetches *fetches = &use->runtime->fetches;
    struct flexilib_fetch_request request;
    copy_sized(&request, sizeof(request), given, given->size);
    struct fetch_order order = read_order(use, exchange, &request);
    const char *fault = judge_order(&order);
    if (fault == NULL)
        fault = judge_circumstances(use->runtime, &order);
    if (fault != NULL)
        tell_refusal(use, &order, slice_of_text(request.upstream), fault);
    if (fault != NULL || !has_room(use))
        return 0;
    struct filter_fetch *fetch = make_fetch(use, exchange);
    copy_sized(&fetch->events, sizeof(fetch->events), events, events->size);
    fetch->data = data;
    set_alarm(fetch, request.timeout_ms);
    if (fetches->services != NULL && order.upstream != NULL)
        fetch->call = fetches->services->start(fetches->context, &order, &call_events, fetch);
    return fetch->number;
}

static struct filter_fetch *find_fetch(const struct flexilib_core *core, uint64_t number)
{
    const struct use *use = use_of_core(core);
    struct filter_fetch *fetch = numbers_find(&use->runtime->fetches.numbers, number);
    return fetch == NULL || fetch->use != use ? NULL : fetch;
}

static bool write(const struct flexilib_core *core, uint64_t number, const char *data, size_t length)
{
    const struct filter_fetch *fetch = find_fetch(core, number);
    return fetch != NULL && fetch->call != NULL &&
           fetch->runtime->fetches.services->write(fetch->call, slice_of(data, length));
}

static void finish(const struct flexilib_core *core, uint64_t number)
{
    const struct filter_fetch *fetch = find_fetch(core, number);
    if (fetch != NULL && fetch->call != NULL)
        fetch->runtime->fetches.services->finish(fetch->call);
}

static void more(const struct flexilib_core *core, uint64_t number)
{
    const struct filter_fetch *fetch = find_fetch(core, number);
    if (fetch != NULL && fetch->call != NULL)
        fetch->runtime->fetches.services->more(fetch->call);
}

static bool cancel(const struct flexilib_core *core, uint64_t number)
{
    struct filter_fetch *fetch = find_fetch(core, number);
    if (fetch == NULL)
        return false;
    cancel_fetch(fetch, FLEXILIB_FETCH_CANCELLED, NULL);
    return true;
}

void runtime_use_fetches(struct runtime *runtime, const struct fetch_services *services, void *context)
{
    runtime->fetches.services = services;
    runtime->fetches.context = context;
}

void runtime_close_fetches(struct runtime *runtime)
{
    runtime->fetches.is_closed = true;
}

void runtime_end_fetches(struct runtime *runtime)
{
    runtime_close_fetches(runtime);
    while (!LIST_EMPTY(&runtime->fetches.list))
        cancel_fetch(LIST_FIRST(&runtime->fetches.list), FLEXILIB_FETCH_CANCELLED, NULL);
}

const struct flexilib_fetch filter_fetches_table = {
    .size = sizeof(struct flexilib_fetch),
    .start = start,
    .write = write,
    .finish = finish,
    .more = more,
    .cancel = cancel,
};
