#include "upstream/health_check.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/http1_response.h"
#include "upstream/connector.h"
#include "upstream/server_health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_FIELDS = 100,
    MOST_INTERIM = 16,
    MOST_HEAD_BYTES = 64 * 1024,
    REASON_BYTES = 256,
    DEFAULT_TIMEOUT_MS = 2000,
};

struct health_check {
    struct server *server;
    const struct health_settings *settings;
    void (*on_over)(void *data, bool is_good, const char *reason);
    void *data;
    struct timer timer; /* for the whole check */
    struct connector connector;
    struct socket *socket;
    struct text request;
    char *buffer; /* MOST_HEAD_BYTES */
    size_t head_start, received, seen;
    unsigned interim_count;
    bool has_received, has_head;
    struct body_reader body;
    size_t matched_bytes; /* of the body that is expected */
};

static int64_t choose_timeout_ms(const struct health_check *check)
{
    return check->settings->timeout_ms > 0 ? check->settings->timeout_ms : DEFAULT_TIMEOUT_MS;
}

void health_check_cancel(struct health_check *check)
{
    if (check == NULL)
        return;
    timer_stop(check->server->loop, &check->timer);
    connector_stop(&check->connector);
    socket_close(check->socket);
    text_finish(&check->request);
    free(check->buffer);
    free(check);
}

/* What the outcome is told with lives until that is over, the check does not. */
static void finish_check(struct health_check *check, bool is_good, const char *reason)
{
    void (*on_over)(void *data, bool is_good, const char *reason) = check->on_over;
    void *data = check->data;
    health_check_cancel(check);
    on_over(data, is_good, reason);
}

static void fail_check(struct health_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail_check(struct health_check *check, const char *format, ...)
{
    char reason[REASON_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    finish_check(check, false, reason);
}

static bool is_status_good(const struct health_settings *settings, int status)
{
    if (settings->statuses.count == 0)
        return status >= 200 && status < 400;
    return status_ranges_contain(&settings->statuses, status);
}

/* Compares what came of the body with what it shall begin with. Ends the check where that decides. */
static void judge_body(struct health_check *check, struct slice data)
{
    struct slice expected = slice_skip(check->settings->body, check->matched_bytes);
    size_t length = data.length < expected.length ? data.length : expected.length;
    bool is_equal = slice_equals(slice_of(data.data, length), slice_of(expected.data, length));
    check->matched_bytes += length;
    if (is_equal && length == expected.length)
        finish_check(check, true, NULL);
    else if (!is_equal || check->body.is_done)
        fail_check(check, "its body does not begin with what is expected");
}

static void take_body_bytes(struct health_check *check, char *bytes, size_t length)
{
    struct slice data = slice_of(bytes, 0);
    size_t extra;
    if (check->body.is_done || body_reader_take(&check->body, bytes, length, &data, &extra))
        judge_body(check, data);
    else
        fail_check(check, "bad response: its chunks are malformed");
}

static void accept_head(struct health_check *check, const struct parsed_head *head,
                        const struct http1_response *response)
{
    if (!is_status_good(check->settings, head->status)) {
        fail_check(check, "it answered with status %d", head->status);
        return;
    }
    if (check->settings->body.length == 0) {
        finish_check(check, true, NULL);
        return;
    }
    check->has_head = true;
    uint64_t length = response->framing == BODY_LENGTH ? (uint64_t)response->body_length : 0;
    body_reader_init(&check->body, response->framing, length);
    size_t end = check->head_start + head->length;
    take_body_bytes(check, check->buffer + end, check->received - end);
}

/* Returns whether a 1xx was passed over. */
static bool take_head(struct health_check *check, const struct parsed_head *head)
{
    struct http1_response response;
    const char *reason;
    if (!http1_response_judge(head, SLICE("GET"), SLICE_NONE, &response, &reason)) {
        fail_check(check, "bad response: %s", reason);
    } else if (!response.is_interim) {
        accept_head(check, head, &response);
    } else if (++check->interim_count > MOST_INTERIM) {
        fail_check(check, "bad response: too many interim ones before it");
    } else {
        check->head_start += head->length;
        check->seen = 0;
        return true;
    }
    return false;
}

/* Returns whether another head may follow. */
static bool parse_head(struct health_check *check)
{
    struct header fields[MOST_FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
    struct slice text = slice_of(check->buffer + check->head_start, check->received - check->head_start);
    const char *reason = "";
    if (text.length == 0 && check->received < MOST_HEAD_BYTES)
        return false;
    switch (head_parse_response(text, check->seen, &head, &reason)) {
    case HEAD_OK:
        return take_head(check, &head);
    case HEAD_INCOMPLETE:
        check->seen = text.length;
        if (check->received == MOST_HEAD_BYTES)
            fail_check(check, "bad response: its head is larger than 64 KB");
        break;
    case HEAD_BAD:
    case HEAD_OTHER_VERSION:
        fail_check(check, "bad response: %s", reason);
        break;
    case HEAD_TOO_MANY_FIELDS:
        fail_check(check, "bad response: it has more than %d header fields", MOST_FIELDS);
        break;
    }
    return false;
}

static void take_end(struct health_check *check, ssize_t received, int error)
{
    char words[CONNECTOR_REASON_BYTES] = "it closed the connection";
    const char *failure = socket_failure(check->socket);
    if (received == 0 && check->has_head && body_reader_end(&check->body)) {
        judge_body(check, SLICE_NONE);
        return;
    }
    if (received != 0 && failure != NULL)
        snprintf(words, sizeof(words), "%s", failure);
    else if (received != 0)
        error_describe_number(error, words, sizeof(words));
    fail_check(check, "%s %s", words,
               check->has_head       ? "in the middle of the response's body"
               : check->has_received ? "in the middle of the response's head"
                                     : "without a response");
}

static void on_readable(struct socket *socket, void *data)
{
    struct health_check *check = data;
    size_t start = check->has_head ? 0 : check->received;
    ssize_t received = socket_receive(socket, check->buffer + start, MOST_HEAD_BYTES - start);
    if (received == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (received <= 0) {
        take_end(check, received, errno);
        return;
    }
    check->has_received = true;
    if (check->has_head) {
        take_body_bytes(check, check->buffer, (size_t)received);
        return;
    }
    check->received += (size_t)received;
    while (parse_head(check))
        continue;
}

/* A failed write tells nothing by itself: the server may have answered before it closed. */
static void on_written(struct socket *socket, void *data, bool is_ok)
{
}

static void send_request(struct health_check *check)
{
    const struct health_settings *settings = check->settings;
    struct slice host = settings->host.length != 0 ? settings->host : text_slice(&check->server->host);
    text_print(&check->request,
               "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: flexilib-health-check\r\nAccept: */*\r\n"
               "Connection: close\r\n\r\n",
               SLICE_ARG(settings->path), SLICE_ARG(host));
    struct iovec piece = {.iov_base = check->request.data, .iov_len = check->request.length};
    socket_write(check->socket, &piece, 1);
}

static void on_connected(void *data, struct socket *socket, const char *reason, bool is_timeout)
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    struct health_check *check = data;
    if (socket == NULL) {
        fail_check(check, "%s", reason);
        return;
    }
    check->socket = socket;
    check->buffer = mem_alloc(MOST_HEAD_BYTES);
    socket_set_events(socket, &events, check);
    socket_read(socket, true);
    send_request(check);
}

static const char *describe_stage(const struct health_check *check)
{
    if (check->socket == NULL) {
        return check->connector.query != NULL ? "its name was not resolved"
               : check->connector.is_securing ? "no TLS handshake"
                                              : "no connection";
    }
    return check->has_received ? "no whole response" : "no response";
}

static void on_timeout(struct timer *timer)
{
    struct health_check *check = timer->data;
    fail_check(check, "%s within %" PRId64 " ms", describe_stage(check), choose_timeout_ms(check));
}

struct health_check *health_check_start(struct server *server, struct resolver *resolver,
                                        void (*on_over)(void *data, bool is_good, const char *reason), void *data)
{
    struct health_check *check = mem_zalloc(sizeof(*check));
    check->server = server;
    check->settings = server->upstream->health;
    check->on_over = on_over;
    check->data = data;
    check->timer = (struct timer){.on_timeout = on_timeout, .data = check};
    check->connector.loop = server->loop;
    check->connector.resolver = resolver;
    check->connector.on_connected = on_connected;
    check->connector.data = check;
    timer_start(server->loop, &check->timer, choose_timeout_ms(check));
    connector_start(&check->connector, server);
    return check;
}
