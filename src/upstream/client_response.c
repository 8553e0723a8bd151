#include "base/error.h"
#include "http/http1_response.h"
#include "http/websocket.h"
#include "upstream/client_request.h"
#include "upstream/forward.h"
#include "upstream/response_rewrite.h"

#include <errno.h>
#include <stdio.h>

enum {
    MOST_HEAD_BYTES = 64 * 1024,
    MOST_FIELDS = 200,
    MOST_INTERIM = 16,
    /* a body's end is copied, so that it can be told together with its last bytes, which have to outlive us then */
    MOST_COPIED_BYTES = 8 * 1024,
    /* what a filter that swallows a body may have in one go, before others have their turn */
    MOST_RECEIVES = 16,
    /* below this copying costs no more */
    LEAST_PIPED_BYTES = 64 * 1024,
};

static bool is_nothing_yet(ssize_t received)
{
    return received == -1 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void release_buffer(struct client_request *request)
{
    receive_buffer_give(&request->client->buffers, request->buffer);
    request->buffer = NULL;
}

/* The body has ended: on the same connection another request may follow, if both sides have kept to the protocol. */
static void settle_connection(struct client_request *request, size_t extra)
{
    struct connection *connection = request->connection;
    request->connection = NULL;
    request->phase_due_ms = 0;
    /* another try may follow one whose response was whole with its head */
    if (request->state == REQUEST_BODY)
        request->total_due_ms = 0;
    request->server->last_body_bytes = request->body_bytes;
    bool is_wanted = request->group->upstream->keep_alive_ms > 0;
    /* some servers send a body where none may be, and it comes later */
    connection->is_doubtful = request->body.framing == BODY_NONE || request->pipe != NULL;
    if (is_wanted && request->keep_alive && request->upload.is_written && extra == 0)
        connection_keep(connection);
    else
        connection_close(connection);
    client_request_end_try(request, SERVER_ANSWERED);
}

static void begin_body(struct client_request *request, const struct parsed_head *head,
                       const struct http1_response *response)
{
    struct exchange *exchange = request->exchange;
    uint64_t length = response->framing == BODY_LENGTH ? (uint64_t)response->body_length : 0;
    body_reader_init(&request->body, response->framing, length);
    if (response->framing != BODY_CHUNKED)
        return;
    request->trailers.most_bytes = MOST_HEAD_BYTES;
    request->trailers.most_fields = MOST_FIELDS;
    http1_response_note_named(head, &exchange->arena, &request->trailers);
    request->body.chunked.trailers = &request->trailers;
}

static const char *describe_malformed(const struct client_request *request)
{
    return request->trailers.is_too_large ? "bad response: its trailers are too large"
                                          : "bad response: its chunks are malformed";
}

/* Returns false where the body is malformed. */
static bool take_body_bytes(struct client_request *request, char *data, size_t length)
{
    struct exchange *exchange = request->exchange;
    size_t extra;
    if (!body_reader_take(&request->body, data, length, &request->pending, &extra))
        return false;
    request->body_bytes += request->pending.length;
    if (request->body.is_done)
        trailers_take(&exchange->response_trailers, &exchange->arena, &request->trailers);
    if (request->body.is_done)
        settle_connection(request, extra);
    return true;
}

static void note_answer(struct client_request *request)
{
    request->exchange->forwarding.is_answered = true;
    request->exchange->forwarding.answered_us = loop_now_us(request->client->loop) - request->try_began_us;
    core_metrics_observe(request->upstream->metrics.seconds, (double)request->exchange->forwarding.answered_us / 1e6);
}

static void accept_head(struct client_request *request, const struct parsed_head *head, struct slice text,
                        const struct http1_response *response)
{
    struct exchange *exchange = request->exchange;
    request->phase_due_ms = 0;
    request->keep_alive = response->keep_alive;
    request->status = head->status;
    begin_body(request, head, response);
    if (!take_body_bytes(request, request->buffer->data + request->head_start + head->length,
                         text.length - head->length)) {
        client_request_lose(request, LOSS_FAILURE, "%s", describe_malformed(request));
        return;
    }
    if (client_request_replace_response(request, head->status))
        return;
    if (request->body.is_done)
        request->total_due_ms = 0;
    else
        client_request_judge(request);
    client_request_forgive_wait(request);
    request->state = REQUEST_BODY;
    request->try_due_ms = 0;
    client_request_watch(request, 0);
    note_answer(request);
    http1_response_build(head, text, response, &exchange->arena, &exchange->response);
    response_rewrite(exchange, request->route->forward,
                     &(struct response_origin){text_slice(&request->server->host), request->server->settings->is_tls});
    server_mark_response(request->server, exchange);
    if (request->pending.length == 0)
        release_buffer(request);
    exchange_response_head(exchange);
}

/* What stands behind the head is the new protocol's already, and waits for the tunnel. */
static void accept_switch(struct client_request *request, const struct parsed_head *head, struct slice text,
                          const struct http1_response *response)
{
    struct exchange *exchange = request->exchange;
    request->phase_due_ms = request->try_due_ms = request->total_due_ms = 0;
    request->status = head->status;
    request->state = REQUEST_SWITCHED;
    note_answer(request);
    client_request_judge(request);
    request->pending = slice_skip(text, head->length);
    http1_response_build(head, text, response, &exchange->arena, &exchange->response);
    server_mark_response(request->server, exchange);
    exchange->response.upgrade = forward_upgrade(exchange, request->route);
    if (request->pending.length == 0)
        release_buffer(request);
    exchange_response_head(exchange);
}

/* 100 tells us alone that the body may come, which it does anyway. */
static void pass_on_interim(struct client_request *request, const struct parsed_head *head, struct slice text,
                            const struct http1_response *response)
{
    struct response_head interim;
    if (head->status == 100)
        return;
    http1_response_build(head, text, response, &request->exchange->arena, &interim);
    exchange_interim(request->exchange, &interim);
}

/* Clients of HTTP/1 have made the key, and see for themselves. */
static bool is_key_accepted(const struct client_request *request, const struct parsed_head *head)
{
    const struct headers fields = {.items = head->fields, .count = head->field_count};
    const struct header *key = headers_find(&request->exchange->request.headers, SLICE("sec-websocket-key"));
    const struct header *accept = headers_find(&fields, SLICE("sec-websocket-accept"));
    return !request->exchange->request.is_http2 ||
           (key != NULL && accept != NULL && websocket_is_accepted(key->value, accept->value));
}

/* Returns whether a 1xx was passed on or over, so that what stands behind it is to be looked at. */
static bool take_head(struct client_request *request, const struct parsed_head *head, struct slice text)
{
    struct http1_response response;
    struct slice upgrade = forward_upgrade(request->exchange, request->route);
    const char *reason;
    if (head->length > MOST_HEAD_BYTES) {
        client_request_lose(request, LOSS_FAILURE, "bad response: its head is larger than 64 KB");
    } else if (!http1_response_judge(head, request->exchange->request.method, upgrade, &response, &reason)) {
        client_request_lose(request, LOSS_FAILURE, "bad response: %s", reason);
    } else if (response.is_switch && !is_key_accepted(request, head)) {
        client_request_lose(request, LOSS_FAILURE, "bad response: its Sec-WebSocket-Accept is not for the key");
    } else if (response.is_switch) {
        accept_switch(request, head, text, &response);
    } else if (!response.is_interim) {
        accept_head(request, head, text, &response);
    } else if (++request->interim_count > MOST_INTERIM) {
        client_request_lose(request, LOSS_FAILURE, "bad response: too many interim ones before it");
    } else if ((request->interim_bytes += head->length) > MOST_HEAD_BYTES) {
        client_request_lose(request, LOSS_FAILURE, "bad response: the interim ones before it are larger than 64 KB");
    } else {
        pass_on_interim(request, head, text, &response);
        request->head_start += head->length;
        request->seen = 0;
        return true;
    }
    return false;
}

/* Parses one head at head_start. Returns true where another one may follow. */
static bool parse_head(struct client_request *request)
{
    struct header fields[MOST_FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
    struct slice text = slice_of(request->buffer->data + request->head_start, request->received - request->head_start);
    const char *reason = "";
    if (text.length == 0)
        return false;
    switch (head_parse_response(text, request->seen, &head, &reason)) {
    case HEAD_OK:
        return take_head(request, &head, text);
    case HEAD_INCOMPLETE:
        request->seen = text.length;
        if (text.length >= MOST_HEAD_BYTES)
            client_request_lose(request, LOSS_FAILURE, "bad response: its head is larger than 64 KB");
        break;
    case HEAD_BAD:
    case HEAD_OTHER_VERSION:
        client_request_lose(request, LOSS_FAILURE, "bad response: %s", reason);
        break;
    case HEAD_TOO_MANY_FIELDS:
        client_request_lose(request, LOSS_FAILURE, "bad response: it has more than %d header fields", MOST_FIELDS);
        break;
    }
    return false;
}

static bool may_use_pipe(const struct client_request *request)
{
    return exchange_takes_pipe(request->exchange) && socket_takes_pipes(request->connection->socket);
}

/* What comes with the head is copied, so that of a body for a pipe it had better be little. */
static bool wants_large_buffer(const struct client_request *request)
{
    uint64_t expected = request->server->last_body_bytes;
    if (expected <= RECEIVE_SMALL_BYTES)
        return false;
    return expected < LEAST_PIPED_BYTES + RECEIVE_SMALL_BYTES || !may_use_pipe(request);
}

/* A buffer waits with its bytes for the client, which may be slow in many exchanges at once. */
static size_t keep_to_room(const struct client_request *request, size_t wanted_bytes)
{
    const struct exchange_room *room = request->exchange->room;
    return room != NULL && room->piece_bytes < wanted_bytes ? room->piece_bytes : wanted_bytes;
}

/* Finds room behind what was received of a head; it is limited, so there always is. */
static void make_head_room(struct client_request *request)
{
    struct receive_buffers *buffers = &request->client->buffers;
    struct receive_buffer *old = request->buffer;
    if (old == NULL) {
        size_t wanted_bytes = wants_large_buffer(request) ? RECEIVE_LARGE_BYTES : RECEIVE_SMALL_BYTES;
        request->buffer = receive_buffer_take(buffers, keep_to_room(request, wanted_bytes));
        return;
    }
    if (request->received < old->capacity)
        return;
    size_t length = request->received - request->head_start;
    if (old->capacity < RECEIVE_LARGE_BYTES)
        request->buffer = receive_buffer_take(buffers, 4 * old->capacity);
    memmove(request->buffer->data, old->data + request->head_start, length);
    if (request->buffer != old)
        receive_buffer_give(buffers, old);
    request->head_start = 0;
    request->received = length;
}

/* Says in words what ended the connection; received is what socket_receive returned. */
static void describe_end(const struct client_request *request, ssize_t received, const char *where, char *reason,
                         size_t capacity)
{
    char words[CONNECTOR_REASON_BYTES] = "it closed the connection";
    const char *failure = socket_failure(request->connection->socket);
    if (received != 0 && failure != NULL)
        snprintf(words, sizeof(words), "%s", failure);
    else if (received != 0)
        error_describe_number(errno, words, sizeof(words));
    snprintf(reason, capacity, "%s %s", words, where);
}

static void receive_head(struct client_request *request)
{
    make_head_room(request);
    ssize_t received = socket_receive(request->connection->socket, request->buffer->data + request->received,
                                      request->buffer->capacity - request->received);
    if (is_nothing_yet(received))
        return;
    if (received <= 0) {
        char reason[256];
        describe_end(request, received,
                     request->has_received ? "in the middle of the response's head" : "without a response", reason,
                     sizeof(reason));
        client_request_lose(request, LOSS_FAILURE, "%s", reason);
        return;
    }
    if (request->is_reused && !request->connection->was_quiet &&
        request->sent_turn == loop_turn(request->client->loop)) {
        /* the loop was told of it before the request was written */
        client_request_lose(request, LOSS_FAILURE, "bad response: it came before the request");
        return;
    }
    request->has_received = true;
    request->received += (size_t)received;
    /* where the buffer is full there is likely more, and the next pull need not wait to be told */
    request->is_readable = request->received == request->buffer->capacity;
    while (parse_head(request))
        continue;
}

/* A body that goes on for long is received in larger pieces. */
static void choose_body_buffer(struct client_request *request)
{
    bool is_large = request->body_bytes + request->body.left > RECEIVE_SMALL_BYTES;
    size_t wanted_bytes = keep_to_room(request, is_large ? RECEIVE_LARGE_BYTES : RECEIVE_SMALL_BYTES);
    if (request->buffer != NULL && request->buffer->capacity != receive_buffer_capacity(wanted_bytes))
        release_buffer(request);
    if (request->buffer == NULL)
        request->buffer = receive_buffer_take(&request->client->buffers, wanted_bytes);
}

/* That may take long, as with streams of events: the memory is of use to others meanwhile. */
static void await_bytes(struct client_request *request)
{
    release_buffer(request);
    request->is_readable = false;
    socket_read(request->connection->socket, true);
    if (request->phase_due_ms == 0)
        client_request_watch(request, request->group->upstream->idle_timeout_ms);
}

static bool end_body(struct client_request *request, ssize_t received)
{
    char reason[256];
    if (received == 0 && body_reader_end(&request->body)) {
        settle_connection(request, 0);
        return true;
    }
    describe_end(request, received, "in the middle of the response's body", reason, sizeof(reason));
    core_metrics_add(request->server->metrics.losses[SERVER_LOSS_BROKEN], 1);
    client_request_fail(request, 502, "%s", reason);
    return false;
}

/* The bytes of a long body that nobody looks at need not come into our memory. */
static bool choose_pipe(struct client_request *request)
{
    if (request->pipe != NULL)
        return true;
    if (request->body.framing != BODY_LENGTH || request->body.left < LEAST_PIPED_BYTES || !may_use_pipe(request))
        return false;
    request->pipe = body_pipe_take(&request->client->pipes);
    if (request->pipe == NULL)
        return false;
    release_buffer(request);
    return true;
}

/* What stands behind the body stays in the socket: it is found before the connection is used again. */
static bool take_piped_bytes(struct client_request *request, size_t length)
{
    request->body_bytes += length;
    body_reader_skip(&request->body, length);
    if (request->body.is_done)
        settle_connection(request, 0);
    return true;
}

static bool take_received_bytes(struct client_request *request, size_t length)
{
    if (take_body_bytes(request, request->buffer->data, length))
        return true;
    core_metrics_add(request->server->metrics.losses[SERVER_LOSS_BROKEN], 1);
    client_request_fail(request, 502, "%s", describe_malformed(request));
    return false;
}

static ssize_t fill_pipe(struct client_request *request, size_t *capacity)
{
    *capacity = request->body.left < BODY_PIPE_BYTES ? (size_t)request->body.left : BODY_PIPE_BYTES;
    return socket_receive_pipe(request->connection->socket, request->pipe, *capacity);
}

static ssize_t fill_buffer(struct client_request *request, size_t *capacity)
{
    choose_body_buffer(request);
    *capacity = request->buffer->capacity;
    return socket_receive(request->connection->socket, request->buffer->data, *capacity);
}

/* From now on the client copies, beginning with this body, of which nothing is lost. */
static void give_up_pipes(struct client_request *request)
{
    struct body_pipes *pipes = &request->client->pipes;
    pipes->is_refused = true;
    body_pipe_give(pipes, request->pipe);
    request->pipe = NULL;
}

/* Receives once where there may be something. Returns whether that brought anything to look at. */
static bool receive_body(struct client_request *request)
{
    if (!request->is_readable || request->receives == MOST_RECEIVES) {
        await_bytes(request);
        return false;
    }
    ++request->receives;
    size_t capacity;
    bool is_piped = choose_pipe(request);
    ssize_t received = is_piped ? fill_pipe(request, &capacity) : fill_buffer(request, &capacity);
    if (is_nothing_yet(received)) {
        await_bytes(request);
        return false;
    }
    if (received == -1 && is_piped && body_pipe_is_refusal(errno)) {
        give_up_pipes(request);
        return receive_body(request);
    }
    request->phase_due_ms = 0;
    if (received <= 0)
        return end_body(request, received);
    request->is_readable = (size_t)received == capacity;
    return is_piped ? take_piped_bytes(request, (size_t)received) : take_received_bytes(request, (size_t)received);
}

/* Ends the request with the last bytes of the body, which move to the exchange's memory. */
static void deliver_last(struct client_request *request)
{
    struct slice last = SLICE_NONE;
    if (request->pending.length != 0)
        last = arena_copy(&request->exchange->arena, request->pending);
    exchange_response_body(client_request_end(request), last, true);
}

void client_request_deliver(struct client_request *request)
{
    if (request->is_delivering)
        return;
    request->is_delivering = true;
    while (request->state == REQUEST_BODY && request->is_pulled) {
        if (request->pipe != NULL && request->pipe->length != 0) {
            request->is_pulled = false;
            exchange_response_pipe(request->exchange, request->pipe, request->pipe->length);
            continue;
        }
        if (request->body.is_done && request->pending.length <= MOST_COPIED_BYTES) {
            deliver_last(request);
            return;
        }
        if (request->pending.length == 0) {
            if (!receive_body(request))
                break;
            continue;
        }
        struct slice piece = request->pending;
        request->pending = SLICE_NONE;
        request->is_pulled = false;
        exchange_response_body(request->exchange, piece, false);
    }
    request->is_delivering = false;
    if (request->state == REQUEST_CANCELLED && !request->upload.is_pulling)
        client_request_free(request);
}

void client_request_receive(struct client_request *request)
{
    if (request->state == REQUEST_WAITING) {
        receive_head(request);
        return;
    }
    request->is_readable = true;
    request->receives = 0;
    if (request->is_pulled && request->state == REQUEST_BODY)
        client_request_deliver(request);
    else
        socket_read(request->connection->socket, false);
}
