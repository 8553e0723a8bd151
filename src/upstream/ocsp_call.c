#include "upstream/ocsp_call.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "http/http1_response.h"
#include "upstream/connector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_FIELDS = 100,
    MOST_HEAD_BYTES = 16 * 1024,
    MOST_ANSWER_BYTES = 64 * 1024,
    TIMEOUT_MS = 15 * 1000,
};

struct ocsp_call {
    struct loop *loop;
    void (*on_over)(void *data, struct slice answer, const char *failure);
    void *data;
    struct slice target;
    struct server_settings server;
    struct upstream_settings upstream;
    struct server_group group;
    struct connector connector;
    struct timer timer;
    struct socket *socket;
    struct text question, request, answer;
    char *buffer; /* MOST_HEAD_BYTES */
    size_t received, seen;
    bool has_head;
    struct body_reader body;
};

void ocsp_call_cancel(struct ocsp_call *call)
{
    if (call == NULL)
        return;
    timer_stop(call->loop, &call->timer);
    connector_stop(&call->connector);
    socket_close(call->socket);
    server_group_finish(&call->group);
    text_finish(&call->question);
    text_finish(&call->request);
    text_finish(&call->answer);
    free(call->buffer);
    free(call);
}

/* The failure may stand in what the call holds. */
static void end_call(struct ocsp_call *call, const char *failure)
{
    void (*on_over)(void *data, struct slice answer, const char *failure) = call->on_over;
    void *data = call->data;
    char words[CONNECTOR_REASON_BYTES];
    struct text answer = call->answer;
    call->answer = TEXT_INIT;
    snprintf(words, sizeof(words), "%s", failure == NULL ? "" : failure);
    ocsp_call_cancel(call);
    on_over(data, text_slice(&answer), failure == NULL ? NULL : words);
    text_finish(&answer);
}

static void take_body(struct ocsp_call *call, char *bytes, size_t length)
{
    struct slice piece = SLICE_NONE;
    size_t extra;
    if (!call->body.is_done && !body_reader_take(&call->body, bytes, length, &piece, &extra)) {
        end_call(call, "its response is malformed");
        return;
    }
    if (piece.length > MOST_ANSWER_BYTES - call->answer.length) {
        end_call(call, "its response is larger than 64 KB");
        return;
    }
    text_add(&call->answer, piece);
    if (call->body.is_done)
        end_call(call, NULL);
}

static void take_head(struct ocsp_call *call, const struct parsed_head *head)
{
    struct http1_response response;
    const char *reason;
    char words[CONNECTOR_REASON_BYTES];
    if (!http1_response_judge(head, SLICE("POST"), SLICE_NONE, &response, &reason)) {
        end_call(call, reason);
    } else if (head->status != 200) {
        snprintf(words, sizeof(words), "it answered with status %d", head->status);
        end_call(call, words);
    } else {
        call->has_head = true;
        body_reader_init(&call->body, response.framing,
                         response.framing == BODY_LENGTH ? (uint64_t)response.body_length : 0);
        take_body(call, call->buffer + head->length, call->received - head->length);
    }
}

static void parse_head(struct ocsp_call *call)
{
    struct header fields[MOST_FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
    struct slice text = slice_of(call->buffer, call->received);
    const char *reason = "";
    switch (head_parse_response(text, call->seen, &head, &reason)) {
    case HEAD_OK:
        take_head(call, &head);
        break;
    case HEAD_INCOMPLETE:
        call->seen = text.length;
        if (text.length == MOST_HEAD_BYTES)
            end_call(call, "its response's head is larger than 16 KB");
        break;
    case HEAD_BAD:
    case HEAD_OTHER_VERSION:
    case HEAD_TOO_MANY_FIELDS:
        end_call(call, "its response is malformed");
        break;
    }
}

static void take_end(struct ocsp_call *call, ssize_t received, int error)
{
    char words[CONNECTOR_REASON_BYTES];
    if (received == 0 && call->has_head && body_reader_end(&call->body)) {
        end_call(call, NULL);
        return;
    }
    if (received == 0)
        snprintf(words, sizeof(words), "it closed the connection without a whole response");
    else
        error_describe_number(error, words, sizeof(words));
    end_call(call, words);
}

static void on_readable(struct socket *socket, void *data)
{
    struct ocsp_call *call = data;
    size_t start = call->has_head ? 0 : call->received;
    ssize_t received = socket_receive(socket, call->buffer + start, MOST_HEAD_BYTES - start);
    if (received == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (received <= 0) {
        take_end(call, received, errno);
    } else if (call->has_head) {
        take_body(call, call->buffer, (size_t)received);
    } else {
        call->received += (size_t)received;
        parse_head(call);
    }
}

/* A failed write tells nothing by itself: reading tells why. */
static void on_written(struct socket *socket, void *data, bool is_ok)
{
}

static void send_question(struct ocsp_call *call)
{
    text_print(&call->request,
               "POST %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: flexilib\r\nContent-Type: application/ocsp-request\r\n"
               "Accept: application/ocsp-response\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
               SLICE_ARG(call->target), SLICE_ARG(text_slice(&call->group.servers[0].host)), call->question.length);
    text_add(&call->request, text_slice(&call->question));
    struct iovec piece = {.iov_base = call->request.data, .iov_len = call->request.length};
    socket_write(call->socket, &piece, 1);
}

static void on_connected(void *data, struct socket *socket, const char *reason, bool is_timeout)
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    struct ocsp_call *call = data;
    if (socket == NULL) {
        end_call(call, reason);
        return;
    }
    call->socket = socket;
    call->buffer = mem_alloc(MOST_HEAD_BYTES);
    socket_set_events(socket, &events, call);
    socket_read(socket, true);
    send_question(call);
}

static void on_timeout(struct timer *timer)
{
    end_call(timer->data, "it took too long");
}

struct ocsp_call *ocsp_call_start(struct loop *loop, struct resolver *resolver, const struct ocsp_responder *responder,
                                  struct slice question,
                                  void (*on_over)(void *data, struct slice answer, const char *failure), void *data)
{
    struct ocsp_call *call = mem_zalloc(sizeof(*call));
    call->loop = loop;
    call->on_over = on_over;
    call->data = data;
    call->target = responder->target;
    call->server = (struct server_settings){.host = responder->host, .port = responder->port, .weight = 1};
    call->upstream = (struct upstream_settings){
        .name = SLICE("ocsp"), .servers = &call->server, .server_count = 1, .connect_timeout_ms = TIMEOUT_MS};
    server_group_init(&call->group, &call->upstream, loop);
    text_add(&call->question, question);
    call->timer = (struct timer){.on_timeout = on_timeout, .data = call};
    call->connector.loop = loop;
    call->connector.resolver = resolver;
    call->connector.on_connected = on_connected;
    call->connector.data = call;
    timer_start(loop, &call->timer, TIMEOUT_MS);
    connector_start(&call->connector, &call->group.servers[0]);
    return call;
}
