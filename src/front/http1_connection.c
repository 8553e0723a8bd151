#include "front/http1_connection.h"

#include "base/clock.h"
#include "front/front_ends.h"
#include "listen/tls_facts.h"
#include "listen/tls_listener.h"
#include "tls/tls.h"

#include <errno.h>

enum {
    PIPELINE_BYTES = 16 * 1024, /* received ahead while an exchange runs */
    LINGER_MS = 5000,           /* between two pieces of what is thrown away */
    LONGEST_LINGER_MS = 30000,
    LINGER_STEP_BYTES = 64 * 1024,
    HALF_CLOSED_MS = 1000, /* between two looks whether such a client is there at all */
};

static void start_timer(struct http1_connection *connection, int64_t delay_ms)
{
    timer_start(connection->front->loop, &connection->timer, delay_ms);
}

void http1_connection_close(struct http1_connection *connection)
{
    tls_listeners_note_end(connection->front->tls, connection->socket, connection->peer.address);
    socket_close(connection->socket);
    connection->socket = NULL;
    timer_stop(connection->front->loop, &connection->timer);
}

/* Whether a client that still reads would take what it has of the response for all of it. */
static bool seems_complete(const struct http1_connection *connection)
{
    return connection->state == HTTP1_EXCHANGE && connection->output.delivery.ending == HTTP1_ENDING_CLOSE &&
           !connection->output.is_complete;
}

void http1_connection_lose(struct http1_connection *connection)
{
    if (connection->state == HTTP1_TUNNEL) {
        /* the socket is closed with the tunnel, which knows in what way */
        exchange_gone(connection->entry.exchange);
        return;
    }
    if (connection->socket != NULL) {
        if (seems_complete(connection))
            socket_reset_on_close(connection->socket);
        http1_connection_close(connection);
    }
    if (connection->entry.exchange == NULL)
        return;
    if (connection->state == HTTP1_EXCHANGE)
        exchange_gone(connection->entry.exchange);
    else
        connection->is_finished = true;
}

static void begin_throwing_away(struct http1_connection *connection, enum http1_state state)
{
    if (connection->state != HTTP1_DRAIN)
        connection->linger_end_ms = loop_now_ms(connection->front->loop) + LONGEST_LINGER_MS;
    connection->state = state;
    socket_read(connection->socket, true);
    start_timer(connection, LINGER_MS);
}

/* Clients on slow lines see the response only if they get to send what is on its way. */
static void linger_on(struct http1_connection *connection)
{
    const struct front_http1 *front = connection->front;
    if (!front->is_draining && loop_now_ms(front->loop) < connection->linger_end_ms)
        start_timer(connection, LINGER_MS);
}

/* Closing at once would reset the connection under what the client still sends, and it might never see the answer. */
static void linger(struct http1_connection *connection)
{
    connection->lingered_bytes = connection->body.discarded_bytes;
    http1_input_consume(&connection->input, http1_input_slice(&connection->input).length);
    socket_finish_writing(connection->socket);
    begin_throwing_away(connection, HTTP1_LINGER);
}

static void throw_away_input(struct http1_connection *connection)
{
    char scrap[LINGER_STEP_BYTES];
    ssize_t received = socket_receive(connection->socket, scrap, sizeof(scrap));
    if (received < 0 && errno == EAGAIN)
        return;
    if (received > 0)
        connection->lingered_bytes += (uint64_t)received;
    if (received <= 0 || connection->lingered_bytes > HTTP1_LINGER_BYTES)
        http1_connection_close(connection);
    else
        linger_on(connection);
}

static size_t listener_index(const struct http1_connection *connection)
{
    return (size_t)(connection->listener - connection->front->settings->listeners);
}

struct arena *http1_connection_open_exchange(struct http1_connection *connection)
{
    if (connection->state == HTTP1_IDLE)
        connection->entry.began_us = loop_now_us(connection->front->loop);
    connection->body.reader.is_done = true; /* as far as is known */
    connection->may_be_http2 = false;
    http1_connection_note_rest(connection, false);
    dispatch_open(connection->front->dispatch, &connection->entry, &http1_sender);
    struct exchange *exchange = connection->entry.exchange;
    front_ends_note_peer(exchange, &connection->peer);
    exchange->takes_pipes = connection->listener->tls == NULL;
    exchange->tls = tls_facts_view(connection->tls);
    exchange->client_name = tls_facts_client_name(connection->tls);
    if (connection->front->notes_local)
        front_ends_note_local(exchange, connection->told_local, connection->socket);
    return &exchange->arena;
}

static void start_exchange(struct http1_connection *connection)
{
    connection->state = HTTP1_EXCHANGE;
    timer_stop(connection->front->loop, &connection->timer);
    http1_sender_reset(connection);
    dispatch_start(&connection->entry, connection->listener);
}

static bool is_misdirected(const struct http1_connection *connection, const struct request_head *request)
{
    return connection->listener->tls != NULL &&
           tls_listeners_is_misdirected(connection->front->tls, listener_index(connection), connection->socket,
                                        request->authority);
}

static void begin_request(struct http1_connection *connection, const struct parsed_head *head)
{
    struct arena *arena = http1_connection_open_exchange(connection);
    struct request_head *request = &connection->entry.exchange->request;
    struct request_refusal refusal =
        http1_request_build(head, http1_input_slice(&connection->input), arena, request, &connection->framing);
    if (connection->listener->tls != NULL)
        request->scheme = SLICE("https");
    http1_input_consume(&connection->input, head->length);
    connection->head_seen = 0;
    connection->is_head_request = slice_equals(request->method, SLICE("HEAD"));
    if (refusal.status != 0)
        http1_refuse(connection, refusal.status, refusal.reason);
    else if (is_misdirected(connection, request))
        http1_refuse(connection, 421, "the certificate that was shown is not for this host");
    else if (connection->framing.is_server_wide)
        http1_answer_server_wide(connection);
    else if ((refusal = http1_body_begin(connection)).status != 0)
        http1_refuse(connection, refusal.status, refusal.reason);
    else if (connection->socket != NULL)
        start_exchange(connection);
}

/* What arrived of a head that is not whole yet. Returns whether the state has changed. */
static bool wait_for_head(struct http1_connection *connection, struct slice data)
{
    const struct settings *settings = connection->front->settings;
    if (connection->state == HTTP1_IDLE) {
        connection->state = HTTP1_HEAD;
        http1_connection_note_rest(connection, false);
        connection->entry.began_us = loop_now_us(connection->front->loop);
        start_timer(connection, settings->header_timeout_ms);
    }
    bool is_full = data.length >= (size_t)settings->head_limit_bytes;
    bool has_line = slice_find(data, '\n') != data.length;
    if (!has_line && (is_full || data.length > REQUEST_TARGET_LIMIT_BYTES)) {
        http1_refuse(connection, 414, "the target is too long");
        return true;
    }
    if (is_full) {
        http1_refuse(connection, 431, "the head is too large");
        return true;
    }
    connection->head_seen = data.length;
    return false;
}

/* Some clients send an empty line behind a body: that begins no request, but nothing stands before the preface
 * of HTTP/2 (RFC 9113, 3.4). */
static struct slice skip_empty_lines(struct http1_connection *connection)
{
    struct slice data = http1_input_slice(&connection->input);
    while (connection->state == HTTP1_IDLE && slice_starts_with(data, SLICE("\r\n"))) {
        http1_input_consume(&connection->input, 2);
        connection->may_be_http2 = false;
        data = http1_input_slice(&connection->input);
    }
    return data;
}

static bool read_head(struct http1_connection *connection)
{
    const struct settings *settings = connection->front->settings;
    struct slice data = skip_empty_lines(connection);
    if (data.length == 0)
        return false;
    if (connection->may_be_http2 && http1_handover_finds_preface(data)) {
        connection->head_seen = 0;
        return http1_handover_take_preface(connection) || wait_for_head(connection, data);
    }
    struct parsed_head head = {
        .fields = connection->front->fields,
        .field_capacity = (size_t)settings->header_limit,
    };
    const char *reason = "the head is malformed";
    switch (head_parse_request(data, connection->head_seen, &head, &reason)) {
    case HEAD_INCOMPLETE:
        return wait_for_head(connection, data);
    case HEAD_BAD:
        http1_refuse(connection, 400, reason);
        break;
    case HEAD_OTHER_VERSION:
        http1_refuse(connection, 505, reason);
        break;
    case HEAD_TOO_MANY_FIELDS:
        http1_refuse(connection, 431, "the head has too many fields");
        break;
    case HEAD_OK:
        if (head.length > (size_t)settings->head_limit_bytes)
            http1_refuse(connection, 431, "the head is too large");
        else
            begin_request(connection, &head);
        break;
    }
    return true;
}

static void end_connection(struct http1_connection *connection)
{
    bool is_agreed = connection->input_ended || !connection->framing.keep_alive;
    bool is_read_up = http1_input_slice(&connection->input).length == 0 && http1_body_is_whole(connection);
    if (connection->state == HTTP1_EXCHANGE && is_agreed && is_read_up)
        http1_connection_close(connection);
    else if (connection->input_ended)
        http1_connection_close(connection);
    else
        linger(connection);
}

static void await_request(struct http1_connection *connection, uint64_t since_us)
{
    const struct front_http1 *front = connection->front;
    connection->state = HTTP1_IDLE;
    http1_connection_note_rest(connection, true);
    timer_start_at(front->loop, &connection->timer,
                   since_us / 1000 + 1 + (uint64_t)front->settings->keep_alive_timeout_ms);
    socket_read(connection->socket, true);
}

static bool drain(struct http1_connection *connection)
{
    uint64_t before = connection->body.discarded_bytes;
    http1_body_discard(connection);
    if (connection->socket == NULL)
        return false;
    if (http1_body_is_whole(connection))
        await_request(connection, clock_monotonic_us());
    else if (connection->body.is_broken || connection->body.discarded_bytes > HTTP1_DRAIN_BYTES)
        linger(connection);
    else if (connection->body.discarded_bytes != before)
        linger_on(connection);
    return connection->state != HTTP1_DRAIN;
}

/* The exchange is over: closes it and decides what becomes of the connection. */
static void finish_exchange(struct http1_connection *connection)
{
    connection->is_finished = false;
    dispatch_close(&connection->entry);
    http1_body_finish(connection);
    if (connection->socket == NULL)
        return;
    if (!connection->output.is_complete) {
        socket_reset_on_close(connection->socket);
        http1_connection_close(connection);
        return;
    }
    /* the end is met again behind the requests that have come before it */
    if (connection->listener->keeps_half_closed && http1_input_slice(&connection->input).length != 0)
        connection->input_ended = false;
    if (!connection->output.delivery.keep_alive || connection->input_ended) {
        end_connection(connection);
        return;
    }
    if (http1_body_is_whole(connection))
        await_request(connection, connection->entry.last_byte_us);
    else
        begin_throwing_away(connection, HTTP1_DRAIN); /* the next request begins where the body ends */
}

/* Takes one step from state to state; false where there is nothing to do before the next event. */
static bool take_step(struct http1_connection *connection)
{
    if (connection->is_finished) {
        finish_exchange(connection);
        return true;
    }
    if (connection->socket == NULL)
        return false;
    switch (connection->state) {
    case HTTP1_IDLE:
    case HTTP1_HEAD:
        return read_head(connection);
    case HTTP1_DRAIN:
        return drain(connection);
    case HTTP1_EXCHANGE:
    case HTTP1_TUNNEL:
    case HTTP1_ANSWER:
    case HTTP1_LINGER:
        break;
    }
    return false;
}

void http1_connection_leave(struct http1_connection *connection)
{
    if (connection->depth == 1) {
        while (take_step(connection))
            ;
    }
    if (--connection->depth != 0)
        return;
    http1_input_trim(&connection->input, &connection->front->spare);
    if (connection->socket == NULL && connection->entry.exchange == NULL)
        http1_connection_destroy(connection);
}

/* The client will send no more: it has left, unless all that is left to do is to write to it, or clients of this
 * listener may wait for their response nevertheless. */
static void end_input(struct http1_connection *connection)
{
    bool is_written = connection->output.is_owed && connection->output.is_last;
    bool is_awaited = connection->listener->keeps_half_closed && http1_body_is_whole(connection);
    if (http1_connection_is_answering(connection) && (is_written || is_awaited)) {
        connection->input_ended = true;
        socket_read(connection->socket, false);
        if (!connection->output.is_owed && !socket_is_writing(connection->socket))
            start_timer(connection, HALF_CLOSED_MS);
    } else {
        http1_connection_lose(connection);
    }
}

bool http1_connection_receive(struct http1_connection *connection, char *room, size_t capacity, size_t *length)
{
    ssize_t received = socket_receive(connection->socket, room, capacity);
    connection->is_readable = received == (ssize_t)capacity;
    if (received > 0) {
        *length = (size_t)received;
        return true;
    }
    if (received == 0)
        end_input(connection);
    else if (errno != EAGAIN)
        http1_connection_lose(connection);
    return false;
}

static void receive_input(struct http1_connection *connection)
{
    const struct front_http1 *front = connection->front;
    bool is_reading_head = connection->state == HTTP1_IDLE || connection->state == HTTP1_HEAD;
    size_t limit = is_reading_head ? (size_t)front->settings->head_limit_bytes : PIPELINE_BYTES;
    size_t room_bytes, length;
    char *room = http1_input_reserve(&connection->input, &connection->front->spare, limit, &room_bytes);
    if (room == NULL)
        socket_read(connection->socket, false);
    else if (http1_connection_receive(connection, room, room_bytes, &length))
        http1_input_add(&connection->input, length);
}

static void on_readable(struct socket *socket, void *data)
{
    struct http1_connection *connection = data;
    http1_connection_enter(connection);
    if (connection->state == HTTP1_TUNNEL)
        tunnel_on_readable(connection->tunnel_side);
    else if (connection->state == HTTP1_LINGER)
        throw_away_input(connection);
    else if (connection->state == HTTP1_EXCHANGE && !http1_body_is_whole(connection))
        http1_body_on_readable(connection);
    else if (connection->state == HTTP1_DRAIN)
        connection->is_readable = true;
    else
        receive_input(connection);
    http1_connection_leave(connection);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct http1_connection *connection = data;
    http1_connection_enter(connection);
    if (connection->state == HTTP1_TUNNEL)
        http1_connection_on_tunnel_written(connection, is_ok);
    else if (is_ok)
        http1_sender_continue(connection);
    else
        http1_connection_lose(connection);
    http1_connection_leave(connection);
}

/* One write may be more than a slow client takes in the time for it. */
static bool has_taken_more(struct http1_connection *connection)
{
    if (connection->socket == NULL || !http1_connection_is_answering(connection))
        return false;
    uint64_t before = connection->taken_bytes;
    connection->taken_bytes = socket_taken_bytes(connection->socket);
    return connection->taken_bytes > before;
}

static void lose_handshake(struct http1_connection *connection, const char *failure)
{
    tls_listeners_note_failure(connection->front->tls, connection->socket, connection->peer.address, failure);
    http1_connection_lose(connection);
}

/* Nothing is read from it and nothing is being written to it: only a look tells. */
static bool is_half_closed(const struct http1_connection *connection)
{
    return connection->socket != NULL && connection->state == HTTP1_EXCHANGE && connection->input_ended &&
           !connection->output.is_owed && !socket_is_writing(connection->socket);
}

static void on_timeout(struct timer *timer)
{
    struct http1_connection *connection = timer->data;
    http1_connection_enter(connection);
    if (is_half_closed(connection) && !socket_is_hung_up(connection->socket)) {
        start_timer(connection, HALF_CLOSED_MS);
    } else if (is_half_closed(connection)) {
        http1_connection_lose(connection);
    } else if (has_taken_more(connection)) {
        start_timer(connection, connection->front->settings->write_timeout_ms);
    } else if (connection->state == HTTP1_HEAD) {
        http1_refuse(connection, 408, "the head did not come in time");
    } else if (connection->socket != NULL && !tls_is_secured(connection->socket)) {
        lose_handshake(connection, "it took too long");
    } else {
        if (connection->socket != NULL && http1_connection_is_answering(connection))
            socket_reset_on_close(connection->socket);
        http1_connection_lose(connection);
    }
    http1_connection_leave(connection);
}

static void refuse_plain(struct http1_connection *connection)
{
    tls_facts_destroy(connection->tls);
    connection->tls = NULL;
    http1_refuse(connection, 400, "this port speaks https");
}

static void on_secured(void *data, const char *failure)
{
    struct http1_connection *connection = data;
    http1_connection_enter(connection);
    if (failure == NULL && slice_equals(socket_protocol(connection->socket), SLICE("h2")))
        http1_handover(connection);
    else if (failure == NULL)
        socket_read(connection->socket, true);
    else if (tls_take_off(connection->socket))
        refuse_plain(connection);
    else
        lose_handshake(connection, failure);
    http1_connection_leave(connection);
}

/* The time for the first head holds for the handshake too. */
static void begin_input(struct http1_connection *connection)
{
    struct front_http1 *front = connection->front;
    if (connection->listener->tls == NULL)
        socket_read(connection->socket, true);
    else
        connection->tls = tls_listeners_begin(front->tls, listener_index(connection), front->loop, connection->socket,
                                              on_secured, connection);
}

void http1_connection_start(struct http1_connection *connection, struct socket *socket)
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    connection->timer.on_timeout = on_timeout;
    connection->timer.data = connection;
    connection->may_be_http2 = connection->listener->speaks_http2 && connection->listener->tls == NULL;
    connection->socket = socket;
    socket_set_events(socket, &events, connection);
    begin_input(connection);
    start_timer(connection, connection->front->settings->header_timeout_ms);
}
