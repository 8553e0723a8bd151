#include "proxy/client_request.h"
#include "proxy/forward.h"

#include <inttypes.h>

enum {
    /* of a request's body at a time, so that a slow but living server is told from a dead one */
    WRITE_BYTES = 256 * 1024,
};

static void attempt(struct client_request *request, bool may_reuse);

static void on_readable(void *user)
{
    client_request_receive(user);
}

/* A failed write tells nothing by itself: the server may have answered before it closed, and whether it has shows when
 * the socket is read, which is readable now that it is broken. */
static void on_written(void *user, bool is_ok);

static const struct connection_events connection_events = {.on_readable = on_readable, .on_written = on_written};

static void write_more(struct client_request *request)
{
    struct slice body = slice_skip(request->exchange->request_body, request->body_sent);
    struct iovec pieces[2];
    size_t count = 0;
    if (request->body_sent == 0)
        pieces[count++] = (struct iovec){.iov_base = request->head.data, .iov_len = request->head.length};
    if (body.length > WRITE_BYTES)
        body.length = WRITE_BYTES;
    if (body.length != 0)
        pieces[count++] = (struct iovec){.iov_base = (char *)body.data, .iov_len = body.length};
    request->body_sent += body.length;
    if (request->state == REQUEST_WAITING)
        timer_start(request->client->loop, &request->timer, request->route->upstream->idle_timeout_ms);
    socket_write(request->connection->socket, pieces, count);
}

static void on_written(void *user, bool is_ok)
{
    struct client_request *request = user;
    if (!is_ok)
        return;
    if (request->body_sent != request->exchange->request_body.length) {
        write_more(request);
        return;
    }
    request->is_written = true;
    if (request->state == REQUEST_WAITING)
        timer_start(request->client->loop, &request->timer, request->route->upstream->response_timeout_ms);
}

static void send_request(struct client_request *request, struct connection *connection)
{
    request->connection = connection;
    request->state = REQUEST_WAITING;
    request->body_sent = request->taken_bytes = 0;
    request->head_start = request->received = request->seen = 0;
    request->is_written = request->has_received = false;
    forward_build_head(request->exchange, request->route, text_slice(&request->server->host),
                       (int64_t)request->exchange->request_body.length, &request->head);
    write_more(request);
}

/* A request that must not be sent twice looks first whether its connection still stands: should the server close it,
 * nobody could tell whether the request was acted upon. */
static struct connection *take_connection(struct client_request *request)
{
    struct connection *connection = connection_take(request->server, request->exchange, &connection_events, request);
    if (forward_is_idempotent(request->exchange->request.method))
        return connection;
    while (connection != NULL && !connection_is_quiet(connection)) {
        connection_close(connection);
        connection = connection_take(request->server, request->exchange, &connection_events, request);
    }
    return connection;
}

static bool choose_server(struct client_request *request)
{
    struct tried_servers *tried = &request->tried;
    struct server *server;
    if (tried->count == TRIED_SERVERS ||
        server_group_choose(request->group, request->exchange, tried, &server) != SERVER_CHOSEN)
        return false;
    request->server = server;
    tried->items[tried->count++] = server;
    return true;
}

static void on_connected(void *data, struct socket *socket, const char *reason, bool is_timeout)
{
    struct client_request *request = data;
    if (socket != NULL) {
        send_request(request,
                     connection_create(request->server, request->exchange, socket, &connection_events, request));
        return;
    }
    const struct server *failed = request->server;
    if (!choose_server(request)) {
        client_request_fail(request, is_timeout ? 504 : 502, "%s", reason);
        return;
    }
    client_request_log(request, failed, reason);
    attempt(request, !request->is_retried);
}

static void attempt(struct client_request *request, bool may_reuse)
{
    struct connection *connection = may_reuse ? take_connection(request) : NULL;
    request->is_reused = connection != NULL;
    if (connection != NULL) {
        send_request(request, connection);
        return;
    }
    struct connector *connector = &request->connector;
    request->state = REQUEST_CONNECTING;
    connector->loop = request->client->loop;
    connector->resolver = request->client->resolver;
    connector->exchange = request->exchange;
    connector->on_connected = on_connected;
    connector->data = request;
    connector_start(connector, request->server);
}

void client_request_begin(struct client_request *request)
{
    choose_server(request);
    attempt(request, true);
}

void client_request_lose(struct client_request *request, const char *reason)
{
    bool was_stale = request->is_reused && !request->has_received && !request->is_retried;
    if (!was_stale || !forward_is_idempotent(request->exchange->request.method)) {
        client_request_fail(request, 502, "%s", reason);
        return;
    }
    request->is_retried = true;
    timer_stop(request->client->loop, &request->timer);
    connection_close(request->connection);
    request->connection = NULL;
    attempt(request, false);
}

/* One write may be more than a slow server takes in the time for it. */
static bool is_being_taken(struct client_request *request)
{
    uint64_t before = request->taken_bytes;
    if (request->is_written)
        return false;
    request->taken_bytes = socket_taken_bytes(request->connection->socket);
    return request->taken_bytes > before;
}

void client_request_on_wait_timeout(struct client_request *request)
{
    const struct upstream_settings *upstream = request->route->upstream;
    if (is_being_taken(request))
        timer_start(request->client->loop, &request->timer, upstream->idle_timeout_ms);
    else if (request->is_written)
        client_request_fail(request, 504, "no response within %" PRId64 " ms", upstream->response_timeout_ms);
    else
        client_request_fail(request, 504, "it took nothing of the request for %" PRId64 " ms",
                            upstream->idle_timeout_ms);
}
