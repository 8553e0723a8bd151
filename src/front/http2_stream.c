#include "front/http2_connection.h"

#include "base/alloc.h"
#include "front/front_answer.h"
#include "front/front_ends.h"
#include "http/trailers.h"
#include "http/websocket.h"
#include "listen/tls_facts.h"
#include "listen/tls_listener.h"
#include "net/socket_address.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

void http2_stream_make_due(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    if (stream->is_due)
        return;
    stream->is_due = true;
    if (connection->last_due != NULL)
        connection->last_due->next_due = stream;
    else
        connection->first_due = stream;
    connection->last_due = stream;
}

static void refuse(struct http2_stream *stream, int status, const char *reason)
{
    struct exchange *exchange = stream->entry.exchange;
    stream->state = HTTP2_STREAM_ANSWER;
    stream->is_head_request = slice_equals(exchange->request.method, SLICE("HEAD"));
    struct slice body = front_answer_refusal(exchange, status, reason);
    dispatch_mark(&stream->entry, stream->connection->tls != NULL);
    http2_sender_answer(stream, body);
}

static void on_timeout(struct timer *timer)
{
    struct http2_stream *stream = timer->data;
    struct http2_connection *connection = stream->connection;
    http2_connection_enter(connection);
    http2_sender_check_progress(stream);
    http2_connection_leave(connection);
}

static size_t listener_index(const struct http2_connection *connection)
{
    return (size_t)(connection->listener - connection->front->settings->listeners);
}

static void open_exchange(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    stream->entry.began_us = loop_now_us(connection->front->loop);
    dispatch_open(connection->front->dispatch, &stream->entry, &http2_sender);
    struct exchange *exchange = stream->entry.exchange;
    front_ends_note_peer(exchange, &connection->peer);
    exchange->room = &connection->room;
    http2_request_guess(&stream->fields, &exchange->request);
    exchange->tls = tls_facts_view(connection->tls);
    exchange->client_name = tls_facts_client_name(connection->tls);
    if (connection->front->notes_local)
        front_ends_note_local(exchange, connection->told_local, connection->socket);
}

struct http2_stream *http2_stream_open(struct http2_connection *connection, int32_t id)
{
    struct http2_stream *stream = mem_zalloc(sizeof(*stream));
    stream->connection = connection;
    stream->id = id;
    stream->is_open = true;
    stream->timer = (struct timer){.on_timeout = on_timeout, .data = stream};
    stream->next = connection->first;
    if (connection->first != NULL)
        connection->first->previous = stream;
    connection->first = stream;
    open_exchange(stream);
    return stream;
}

void http2_stream_add_field(struct http2_stream *stream, const struct header *field)
{
    struct http2_connection *connection = stream->connection;
    size_t before = stream->fields.bytes;
    if (stream->is_too_much || stream->fields.is_too_large)
        return;
    http2_fields_add(&stream->fields, &stream->entry.exchange->arena, connection->front->settings, field);
    connection->head_bytes += stream->fields.bytes - before;
    http2_sender_choose_pieces(connection);
    stream->is_too_much = connection->head_bytes > HTTP2_HEADS_BYTES;
}

/* They count as heads do, and with those of all other requests. */
bool http2_stream_add_trailer(struct http2_stream *stream, const struct header *field)
{
    struct http2_connection *connection = stream->connection;
    struct exchange *exchange = stream->entry.exchange;
    struct http2_fields *trailers = &stream->trailers;
    size_t before = trailers->bytes;
    bool is_taken = http2_fields_count(trailers, connection->front->settings, field);
    connection->head_bytes += trailers->bytes - before;
    http2_sender_choose_pieces(connection);
    trailers->is_too_large = trailers->is_too_large || connection->head_bytes > HTTP2_HEADS_BYTES;
    return !is_taken || trailers->is_too_large || trailers_add(&exchange->request_trailers, &exchange->arena, field);
}

/* Streams share their connection fairly, unless the client says otherwise. */
static void choose_priority(const struct http2_stream *stream)
{
    static const nghttp2_extpri fair = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    if (headers_find(&stream->fields.list, SLICE("priority")) == NULL)
        nghttp2_session_change_extpri_stream_priority(stream->connection->session, stream->id, &fair, 0);
}

static void answer_server_wide(struct http2_stream *stream)
{
    stream->state = HTTP2_STREAM_ANSWER;
    front_answer_server_wide(stream->entry.exchange);
    dispatch_mark(&stream->entry, stream->connection->tls != NULL);
    http2_sender_answer(stream, SLICE_NONE);
}

/* What filters and servers see is a request of HTTP/1, which has one. */
static void set_websocket_key(struct exchange *exchange)
{
    const struct slice name = SLICE("sec-websocket-key");
    struct headers *headers = &exchange->request.headers;
    struct slice key = websocket_make_key(&exchange->arena);
    headers_remove(headers, name);
    headers_add(headers, &exchange->arena, name, key);
}

static bool is_misdirected(const struct http2_stream *stream)
{
    const struct http2_connection *connection = stream->connection;
    return connection->listener->tls != NULL &&
           tls_listeners_is_misdirected(connection->front->tls, listener_index(connection), connection->socket,
                                        stream->entry.exchange->request.authority);
}

/* A path may become three times as long when it is brought into its one spelling: that counts too. */
static void count_path(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    stream->fields.bytes += stream->framing.path_bytes;
    connection->head_bytes += stream->framing.path_bytes;
    http2_sender_choose_pieces(connection);
    stream->is_too_much = stream->is_too_much || connection->head_bytes > HTTP2_HEADS_BYTES;
}

void http2_stream_end_head(struct http2_stream *stream)
{
    struct exchange *exchange = stream->entry.exchange;
    struct request_head *request = &exchange->request;
    struct request_refusal refusal = http2_request_build(&stream->fields, &exchange->arena, request, &stream->framing);
    count_path(stream);
    if (stream->connection->listener->tls != NULL)
        request->scheme = SLICE("https");
    stream->is_head_request = slice_equals(request->method, SLICE("HEAD"));
    choose_priority(stream);
    if (stream->is_too_much)
        http2_sender_reset(stream, NGHTTP2_REFUSED_STREAM);
    else if (refusal.status != 0)
        refuse(stream, refusal.status, refusal.reason);
    else if (is_misdirected(stream))
        refuse(stream, 421, "the certificate that was shown is not for this host");
    else if (stream->framing.is_server_wide)
        answer_server_wide(stream);
    else if (stream->framing.is_websocket && stream->is_request_over)
        refuse(stream, 400, "a WebSocket that is over before it begins");
    else
        stream->state = HTTP2_STREAM_READY;
    /* of a stream that is refused the log still shows what came */
    if (stream->state != HTTP2_STREAM_HEAD)
        http2_fields_finish(&stream->fields);
    http2_stream_make_due(stream);
}

void http2_stream_retry_delayed(struct http2_connection *connection)
{
    for (struct http2_stream *stream = connection->first; stream != NULL && connection->delayed_count != 0;
         stream = stream->next) {
        if (stream->is_delayed)
            http2_stream_make_due(stream);
    }
}

static void set_delayed(struct http2_stream *stream, bool is_delayed)
{
    if (stream->is_delayed == is_delayed)
        return;
    stream->is_delayed = is_delayed;
    stream->connection->delayed_count += is_delayed ? 1 : (size_t)-1;
}

/* When the connection is ended for requests that were broken off, servers have seen no more of them than the guard
 * allows. */
static bool may_start(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    struct loop *loop = connection->front->loop;
    bool is_delayed = connection->running_count >= http2_guard_patience(&connection->guard);
    set_delayed(stream, is_delayed);
    if (is_delayed && connection->delay_timer.position == 0)
        timer_start(loop, &connection->delay_timer, HTTP2_GUARD_WINDOW_MS);
    return !is_delayed;
}

static void start_exchange(struct http2_stream *stream)
{
    if (stream->trailers.is_too_large) {
        refuse(stream, 431, "the trailers are too large");
        return;
    }
    if (!may_start(stream))
        return;
    ++stream->connection->running_count;
    stream->state = HTTP2_STREAM_EXCHANGE;
    if (stream->framing.is_websocket)
        set_websocket_key(stream->entry.exchange);
    http2_body_begin(stream);
    dispatch_start(&stream->entry, stream->connection->listener);
}

static void destroy(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    /* libnghttp2 has refused it: the log shows what came */
    if (stream->state == HTTP2_STREAM_HEAD)
        http2_request_guess(&stream->fields, &stream->entry.exchange->request);
    set_delayed(stream, false);
    if (stream->state == HTTP2_STREAM_EXCHANGE) {
        --connection->running_count;
        http2_stream_retry_delayed(connection);
    }
    dispatch_close(&stream->entry);
    http2_body_finish(stream);
    http2_sender_release(stream);
    http2_fields_finish(&stream->fields);
    connection->head_bytes -= stream->fields.bytes + stream->trailers.bytes;
    http2_sender_choose_pieces(connection);
    nghttp2_session_set_stream_user_data(connection->session, stream->id, NULL);
    timer_stop(connection->front->loop, &stream->timer);
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        connection->first = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    free(stream);
}

/* The client has left, or has made itself be left. */
static void let_go(struct http2_stream *stream)
{
    if (stream->state == HTTP2_STREAM_EXCHANGE)
        exchange_gone(stream->entry.exchange);
    else
        stream->is_finished = true;
}

static void tell_sent(struct http2_stream *stream)
{
    stream->is_owed = false;
    http2_sender_release(stream);
    if (stream->state == HTTP2_STREAM_ANSWER)
        stream->is_finished = true;
    else
        dispatch_sent(&stream->entry);
}

/* Half a tunnel may go on when a response is over, unless it was broken off. What comes of a refused WebSocket is not
 * waited for. */
static bool is_abandoned(const struct http2_stream *stream)
{
    if (stream->owes_end && stream->tunnel_side == NULL && stream->is_response_over)
        return true;
    bool is_half = stream->tunnel_side != NULL && !stream->is_request_over;
    return !stream->is_open && (!stream->is_response_over || is_half || stream->connection->socket == NULL);
}

void http2_stream_work(struct http2_stream *stream)
{
    if (stream->tunnel_side != NULL)
        http2_tunnel_work(stream);
    else if (stream->is_owed && stream->rest.length == 0 && !stream->is_finished &&
             (!stream->is_last || stream->is_response_over))
        tell_sent(stream);
    if (is_abandoned(stream) && !stream->is_finished)
        let_go(stream);
    if (!stream->is_finished && stream->state == HTTP2_STREAM_READY)
        start_exchange(stream);
    else if (!stream->is_finished && stream->state == HTTP2_STREAM_EXCHANGE)
        http2_body_give(stream);
    bool owes_end = stream->owes_end && stream->is_open && !stream->is_response_over && !stream->is_cut;
    if (stream->is_finished && !stream->is_due && !owes_end)
        destroy(stream);
}
