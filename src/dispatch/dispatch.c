#include "dispatch/dispatch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dispatch/gate.h"
#include "dispatch/request_counts.h"
#include "dispatch/request_ids.h"
#include "dispatch/websocket_insight.h"
#include "files/file_source.h"
#include "files/fixed_response.h"
#include "http/client_identity.h"
#include "http/forwarded.h"
#include "http/request_rules.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    SITE_BODY_BYTES = 64 * 1024, /* which it does not look at */
};

struct dispatch {
    struct loop *loop;
    const struct settings *settings;
    const struct plan *plan;
    struct runtime *runtime;
    struct client *client;
    struct access_log *access_log;
    struct request_counts *counts; /* NULL: nobody counts */
    struct gate *gate;
    struct dispatch_site site; /* answer is NULL where the plan says what is done */
    struct tunnels tunnels;
    size_t open_count; /* of exchanges, tunnels included */
    struct compressed_bodies compressed;
    struct request_ids ids;
};

static struct dispatch_entry *entry_of(struct exchange *exchange)
{
    return exchange->owner_data;
}

static void finish_if_over(struct dispatch_entry *entry)
{
    if (entry->is_over && entry->source.calls == NULL)
        entry->front->finished(entry);
}

/* The source may have been the one to end the exchange, and is still at work with it then: it has to say first that it
 * is done. */
static void on_source_over(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    entry->source = RESPONSE_SOURCE_NONE;
    entry->upload = NULL;
    finish_if_over(entry);
}

static void pull_from_client(void *source)
{
    client_pull(source);
}

static void cancel_client(void *source)
{
    client_cancel(source);
}

static struct tunnel_end take_over_client(void *source, struct tunnel_side *side)
{
    return client_take_over(source, side);
}

static const struct response_source_calls client_calls = {
    .pull = pull_from_client,
    .cancel = cancel_client,
    .take_over = take_over_client,
};

static bool is_loop(struct exchange *exchange)
{
    if (!forwarded_is_loop(&exchange->request.headers))
        return false;
    log_line(LOG_LEVEL_WARNING,
             "route '%.*s': the request has come by ten times, so it seems to be sent in circles (request %.*s)",
             SLICE_ARG(exchange->route_name), SLICE_ARG(exchange->id));
    exchange_answer(exchange, 508, "the request is sent in circles");
    return true;
}

/* RFC 9110 section 7.6.2. Returns whether the request has come as far as it should. */
static bool ends_here(struct exchange *exchange)
{
    uint64_t left;
    if (!slice_equals(exchange->request.method, SLICE("OPTIONS")))
        return false;
    struct header *field = headers_find(&exchange->request.headers, SLICE("max-forwards"));
    if (field == NULL || !slice_parse_number(field->value, &left))
        return false;
    if (left != 0)
        field->value = arena_print(&exchange->arena, "%" PRIu64, left - 1);
    return left == 0;
}

static void pull_request_for(void *source, struct client_request *request)
{
    struct exchange *exchange = source;
    entry_of(exchange)->upload = request;
    exchange_pull_request(exchange);
}

static void send_on(struct exchange *exchange, struct dispatch_entry *entry)
{
    if (is_loop(exchange))
        return;
    if (ends_here(exchange)) {
        headers_add(&exchange->response.headers, &exchange->arena, SLICE("allow"), SLICE(REQUEST_ALLOWED_METHODS));
        entry->source = fixed_response_send(exchange, 200, SLICE_NONE, on_source_over);
        return;
    }
    struct client *client = entry->dispatch->client;
    struct client_body body = {.length = exchange->request_length, .pull = pull_request_for, .source = exchange};
    entry->source.source = exchange->streams_request
                               ? client_send_body(client, exchange, entry->route, &body, on_source_over)
                               : client_send(client, exchange, entry->route, on_source_over);
    entry->source.calls = &client_calls;
}

static void forward(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    const struct dispatch *dispatch = entry->dispatch;
    if (entry->route->is_quarantined) {
        exchange_answer(exchange, 503, "this is out of service");
        return;
    }
    if (dispatch->site.answer != NULL) {
        entry->source = dispatch->site.answer(dispatch->site.data, exchange, on_source_over);
        return;
    }
    switch (entry->route->target) {
    case PLAN_PROXY:
        send_on(exchange, entry);
        return;
    case PLAN_REDIRECT:
    case PLAN_RESPOND:
        entry->source = fixed_response_start(exchange, entry->route, on_source_over);
        return;
    case PLAN_FILES:
        entry->source = file_source_start(dispatch->loop, exchange, entry->route->files, on_source_over);
        return;
    case PLAN_NOTHING:
        if (dispatch->settings->style == SETTINGS_YAML) {
            exchange_answer(exchange, 404, "no route matches this request");
            return;
        }
        break;
    case PLAN_LEFT_OUT:
        exchange_answer(exchange, 503, "this is out of service");
        return;
    case PLAN_MISSING:
    case PLAN_HANDLER:
        break;
    }
    exchange_answer(exchange, 500, "nothing is there to answer this request");
}

static void send_head(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    gate_mark(entry->dispatch->gate, exchange);
    const struct compression_settings *compression = entry->route->compression;
    if (compression != NULL)
        entry->compressed = compressed_body_start(&entry->dispatch->compressed, entry, compression);
    entry->front->send_head(entry);
}

static void send_body(struct exchange *exchange, struct slice data, bool last)
{
    struct dispatch_entry *entry = entry_of(exchange);
    if (entry->compressed != NULL)
        compressed_body_send(entry->compressed, data, last);
    else
        entry->front->send_body(entry, data, last);
}

static void send_interim(struct exchange *exchange, const struct response_head *interim)
{
    struct dispatch_entry *entry = entry_of(exchange);
    if (entry->front->send_interim != NULL)
        entry->front->send_interim(entry, interim);
}

/* Both ends have gone their ways, which is how an exchange with a tunnel ends well. */
static void on_tunnel_over(void *data, enum tunnel_outcome outcome)
{
    struct dispatch_entry *entry = data;
    if (outcome == TUNNEL_IDLE)
        log_line(LOG_LEVEL_INFO,
                 "upstream '%.*s': a tunnel is closed in which nothing moved for %" PRId64 " ms (request %.*s)",
                 SLICE_ARG(entry->exchange->upstream->name), entry->exchange->upstream->tunnel_timeout_ms,
                 SLICE_ARG(entry->exchange->id));
    exchange_gone(entry->exchange);
}

static void start_tunnel(struct dispatch_entry *entry)
{
    entry->tunnel = tunnel_create(&entry->dispatch->tunnels, on_tunnel_over, entry);
    if (slice_equals_nocase(entry->exchange->response.upgrade, SLICE("websocket")))
        entry->insight = websocket_insight_create(entry->tunnel);
    struct tunnel_end client = entry->front->take_over(entry, tunnel_client_side(entry->tunnel));
    struct tunnel_end server = entry->source.calls->take_over(entry->source.source, tunnel_server_side(entry->tunnel));
    tunnel_start(entry->tunnel, &client, &server, entry->exchange->upstream->tunnel_timeout_ms);
}

static void end_tunnel(struct dispatch_entry *entry)
{
    if (entry->tunnel == NULL)
        return;
    entry->exchange->response_bytes = tunnel_bytes_to_client(entry->tunnel);
    entry->last_byte_us = clock_monotonic_us();
    tunnel_destroy(entry->tunnel);
    entry->tunnel = NULL;
    websocket_insight_destroy(entry->insight);
    entry->insight = NULL;
    entry->front->give_back(entry);
}

static void pull(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    if (entry->source.calls == NULL)
        return;
    if (exchange->response.status == 101)
        start_tunnel(entry);
    else
        entry->source.calls->pull(entry->source.source);
}

static void pull_request(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    entry->front->pull_request(entry);
}

static void send_request(struct exchange *exchange, struct slice data, bool last)
{
    const struct dispatch_entry *entry = entry_of(exchange);
    if (entry->upload != NULL)
        client_body_piece(entry->upload, data, last);
}

static void flush(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    if (entry->compressed != NULL)
        compressed_body_flush(entry->compressed);
    else
        entry->front->flush(entry);
}

static void cancel(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    struct response_source source = entry->source;
    end_tunnel(entry);
    entry->source = RESPONSE_SOURCE_NONE;
    entry->upload = NULL;
    if (source.calls != NULL)
        source.calls->cancel(source.source);
}

static void cut_off(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    end_tunnel(entry);
    entry->front->abort(entry);
}

static void on_pause_timeout(struct timer *timer)
{
    struct dispatch_entry *entry = timer->data;
    exchange_deadline(entry->exchange);
}

static void watch_pause(struct exchange *exchange, bool is_paused)
{
    struct dispatch_entry *entry = entry_of(exchange);
    struct dispatch *dispatch = entry->dispatch;
    if (!is_paused) {
        timer_stop(dispatch->loop, &entry->pause_timer);
    } else if (dispatch->settings->handler_timeout_ms > 0) {
        entry->pause_timer.on_timeout = on_pause_timeout;
        entry->pause_timer.data = entry;
        timer_start(dispatch->loop, &entry->pause_timer, dispatch->settings->handler_timeout_ms);
    }
}

static void replaced(struct exchange *exchange, struct exchange *fresh)
{
    entry_of(fresh)->exchange = fresh;
}

static void finished(struct exchange *exchange)
{
    struct dispatch_entry *entry = entry_of(exchange);
    if (entry->compressed != NULL)
        compressed_body_stop(entry->compressed);
    entry->is_over = true;
    finish_if_over(entry);
}

static const struct exchange_owner owner = {
    .forward = forward,
    .send_interim = send_interim,
    .send_head = send_head,
    .send_body = send_body,
    .pull = pull,
    .pull_request = pull_request,
    .send_request = send_request,
    .flush = flush,
    .cancel = cancel,
    .abort = cut_off,
    .paused = watch_pause,
    .replaced = replaced,
    .finished = finished,
};

struct dispatch *dispatch_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                                 struct client *client, struct access_log *access_log)
{
    struct dispatch *dispatch = mem_alloc(sizeof(*dispatch));
    *dispatch = (struct dispatch){
        .loop = loop,
        .settings = settings,
        .runtime = runtime,
        .client = client,
        .access_log = access_log,
        .gate = gate_create(settings),
        .tunnels = {.loop = loop},
        .compressed = {.loop = loop},
    };
    request_ids_init(&dispatch->ids);
    return dispatch;
}

void dispatch_use_plan(struct dispatch *dispatch, const struct plan *plan)
{
    dispatch->plan = plan;
}

void dispatch_use_metrics(struct dispatch *dispatch, struct core_metrics *core)
{
    dispatch->counts = request_counts_create(core);
}

void dispatch_use_site(struct dispatch *dispatch, const struct dispatch_site *site)
{
    dispatch->site = *site;
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    tunnels_finish(&dispatch->tunnels);
    request_counts_destroy(dispatch->counts);
    gate_destroy(dispatch->gate);
    free(dispatch);
}

void dispatch_note_https(struct dispatch *dispatch, uint16_t port)
{
    gate_note_https(dispatch->gate, port);
}

size_t dispatch_tunnel_count(const struct dispatch *dispatch)
{
    return dispatch->tunnels.count;
}

size_t dispatch_request_count(const struct dispatch *dispatch)
{
    return dispatch->open_count > dispatch->tunnels.count ? dispatch->open_count - dispatch->tunnels.count : 0;
}

void dispatch_leave_tunnels(struct dispatch *dispatch)
{
    tunnels_leave(&dispatch->tunnels);
}

void dispatch_open(struct dispatch *dispatch, struct dispatch_entry *entry, const struct dispatch_front *front)
{
    entry->dispatch = dispatch;
    entry->front = front;
    entry->route = NULL;
    entry->upload = NULL;
    entry->compressed = NULL;
    entry->first_byte_us = entry->last_byte_us = 0;
    entry->is_over = false;
    entry->exchange = exchange_create(dispatch->runtime, &owner, entry);
    ++dispatch->open_count;
    entry->exchange->id = request_ids_make(&dispatch->ids, &entry->exchange->arena);
    entry->exchange->error_pages = &dispatch->settings->error_pages;
}

static const struct chain *find_chain(const struct plan_route *route)
{
    static const struct chain empty = {.uses = NULL};
    return route->is_quarantined ? &empty : &route->chain;
}

static const struct plan_route *find_route(struct dispatch_entry *entry, const struct listener_settings *listener)
{
    static const struct error_pages no_pages;
    static const struct plan_route site = {
        .name = {"-", 1}, .target = PLAN_NOTHING, .body_limit_bytes = SITE_BODY_BYTES, .error_pages = &no_pages};
    const struct dispatch *dispatch = entry->dispatch;
    struct exchange *exchange = entry->exchange;
    bool is_told_scheme = client_identity_settle(exchange, dispatch->settings);
    if (dispatch->site.answer != NULL)
        return &site;
    const struct plan_route *route = gate_find(dispatch->gate, exchange, listener, is_told_scheme);
    return route != NULL ? route : plan_find(dispatch->plan, &exchange->request, listener->name);
}

void dispatch_start(struct dispatch_entry *entry, const struct listener_settings *listener)
{
    struct exchange *exchange = entry->exchange;
    entry->route = find_route(entry, listener);
    exchange->route_name = entry->route->name;
    exchange->upstream = entry->route->upstream;
    exchange->error_pages = entry->route->error_pages;
    exchange->body_limit_bytes = (uint64_t)entry->route->body_limit_bytes;
    loop_keep_room(entry->dispatch->loop);
    exchange_start(exchange, find_chain(entry->route));
}

void dispatch_mark(struct dispatch_entry *entry, bool is_https)
{
    if (is_https)
        entry->exchange->request.scheme = SLICE("https");
    gate_mark(entry->dispatch->gate, entry->exchange);
}

static uint64_t measure(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? to_us - from_us : 0;
}

void dispatch_sent(struct dispatch_entry *entry)
{
    if (entry->compressed != NULL)
        compressed_body_sent(entry->compressed);
    else
        exchange_sent(entry->exchange);
}

void dispatch_close(struct dispatch_entry *entry)
{
    struct dispatch *dispatch = entry->dispatch;
    compressed_body_destroy(entry->compressed);
    entry->compressed = NULL;
    timer_stop(dispatch->loop, &entry->pause_timer);
    const struct expansion_times times = {.first_byte_us = measure(entry->began_us, entry->first_byte_us),
                                          .last_byte_us = measure(entry->began_us, entry->last_byte_us)};
    if (dispatch->access_log != NULL)
        access_log_add(dispatch->access_log, entry->exchange, &times);
    if (dispatch->counts != NULL)
        request_counts_add(dispatch->counts, entry->route, entry->exchange, &times);
    exchange_destroy(entry->exchange);
    entry->exchange = NULL;
    --dispatch->open_count;
}

bool dispatch_is_overdue(const struct dispatch_entry *entry, uint64_t began_before_us)
{
    return entry->exchange != NULL && entry->tunnel == NULL && entry->began_us < began_before_us;
}
