#include "base/clock.h"
#include "upstream/client_request.h"
#include "upstream/forward.h"
#include "upstream/server_count.h"
#include "upstream/server_health.h"

#include <stdio.h>

/* Where the next try goes. */
struct destination {
    struct server *server;
    struct connection *connection; /* a kept one; NULL: a new one is to be made */
};

static void on_readable(void *user)
{
    client_request_receive(user);
}

/* A failed write tells nothing by itself: the server may have answered before it closed, and whether it has shows when
 * the socket is read, which is readable now that it is broken. */
static void on_written(void *user, bool is_ok)
{
    if (is_ok)
        client_request_upload_more(user);
}

static const struct connection_events connection_events = {.on_readable = on_readable, .on_written = on_written};

/* A request that must not be sent twice looks first whether its connection still stands: should the server close it,
 * nobody could tell whether the request was acted upon. */
static struct connection *take_connection(struct client_request *request, struct server *server)
{
    bool is_careful = !forward_is_idempotent(request->exchange->request.method);
    while (true) {
        struct connection *connection = connection_take(server, request->exchange, &connection_events, request);
        if (connection == NULL)
            return NULL;
        bool looks = is_careful || connection->is_doubtful || connection_may_be_told_late(connection);
        connection->was_quiet = looks && connection_is_quiet(connection);
        if (connection->was_quiet || !looks)
            return connection;
        connection_close(connection);
    }
}

/* Requests of other workers may have waited for longer; but who has had a place does not wait for another one. */
static bool leaves_place(struct client_request *request)
{
    struct upstream_queue *queue = &request->upstream->queue;
    uint64_t now_ms = loop_now_ms(request->client->loop);
    if (request->place.is_waiting)
        return !request->place.is_choosy && queue_mark_leaves(&queue->mark, request->place.since_ms, now_ms);
    return request->tried.count == 0 && queue->count < request->group->upstream->queue_length &&
           queue_mark_leaves(&queue->mark, now_ms, now_ms);
}

/* Nothing is reserved unless a server was chosen. */
static enum server_choice find_room(struct client_request *request, const struct tried_servers *tried,
                                    struct destination *to)
{
    struct tried_servers avoided;
    for (bool is_full = false;; is_full = true) {
        enum server_choice choice = server_group_choose(request->group, request->exchange, tried, &to->server);
        if (choice != SERVER_CHOSEN)
            return is_full ? SERVER_BUSY : choice;
        if (leaves_place(request)) {
            server_group_leave(request->group);
            return SERVER_BUSY;
        }
        to->connection = request->is_retried ? NULL : take_connection(request, to->server);
        if (to->connection != NULL || server_may_connect(to->server))
            return SERVER_CHOSEN;
        if (!is_full)
            avoided = *tried;
        tried = &avoided;
        if (avoided.count == TRIED_SERVERS) {
            server_group_unreserve(request->group);
            return SERVER_BUSY;
        }
        avoided.items[avoided.count++] = to->server;
    }
}

/* Rather one that has had the request before than none; but not one that cannot be connected to. */
static enum server_choice find_server(struct client_request *request, struct destination *to)
{
    const struct tried_servers *tried = &request->tried;
    struct tried_servers refused = {0};
    enum server_choice choice = tried->count == TRIED_SERVERS ? SERVER_NONE : find_room(request, tried, to);
    if (choice != SERVER_NONE)
        return choice;
    for (size_t i = 0; i < tried->count; ++i) {
        if ((request->refused >> i & 1) != 0)
            refused.items[refused.count++] = tried->items[i];
    }
    return refused.count == tried->count ? SERVER_NONE : find_room(request, &refused, to);
}

/* The server's number among those that were tried, or TRIED_SERVERS. */
static size_t find_tried(const struct client_request *request, const struct server *server)
{
    for (size_t i = 0; i < request->tried.count; ++i) {
        if (request->tried.items[i] == server)
            return i;
    }
    return TRIED_SERVERS;
}

static void send_request(struct client_request *request, struct connection *connection)
{
    request->connection = connection;
    request->state = REQUEST_WAITING;
    request->head_start = request->received = request->seen = 0;
    request->has_received = false;
    ++request->tries;
    client_request_upload(request);
}

static void on_connected(void *data, struct socket *socket, const char *reason, bool is_timeout)
{
    struct client_request *request = data;
    struct server *server = request->server;
    if (socket != NULL) {
        request->is_counted = false;
        send_request(request, connection_create(server, request->exchange, socket, &connection_events, request));
        return;
    }
    core_metrics_add(server->metrics.losses[is_timeout ? SERVER_LOSS_TIMEOUT : SERVER_LOSS_CONNECT], 1);
    /* the connector's words are overwritten by its next failure */
    char words[CONNECTOR_REASON_BYTES];
    snprintf(words, sizeof(words), "%s", reason);
    size_t number = find_tried(request, server);
    if (number != TRIED_SERVERS)
        request->refused |= UINT32_C(1) << number;
    if (number != TRIED_SERVERS && client_request_go_elsewhere(request, SERVER_FAILED, true))
        client_request_log(request, server, words);
    else
        client_request_fail(request, is_timeout ? 504 : 502, "%s", words);
}

static void connect_to_server(struct client_request *request)
{
    struct connector *connector = &request->connector;
    server_connection_opened(request->server);
    request->is_counted = true;
    request->state = REQUEST_CONNECTING;
    client_request_watch(request, 0);
    connector->loop = request->client->loop;
    connector->resolver = request->client->resolver;
    connector->exchange = request->exchange;
    connector->on_connected = on_connected;
    connector->data = request;
    connector_start(connector, request->server);
}

/* Nothing of an earlier try is left. */
static void reset_response(struct client_request *request)
{
    receive_buffer_give(&request->client->buffers, request->buffer);
    request->buffer = NULL;
    request->status = 0;
    request->interim_count = 0;
    request->interim_bytes = 0;
    request->pending = SLICE_NONE;
    request->body_bytes = 0;
    text_finish(&request->trailers.lines);
    request->trailers = (struct trailer_section){0};
    request->exchange->response_trailers.count = 0;
}

static void note_begin(struct client_request *request, uint64_t now_us)
{
    if (request->began_us == 0)
        request->began_us = now_us;
}

static void note_try(struct client_request *request)
{
    struct exchange_forwarding *forwarding = &request->exchange->forwarding;
    request->try_began_us = clock_monotonic_us();
    note_begin(request, request->try_began_us);
    forwarding->server = request->server->settings->url;
    forwarding->waited_us = request->try_began_us - request->began_us;
    core_metrics_add(request->server->metrics.tries, 1);
    if (forwarding->tries++ != 0)
        core_metrics_add(request->upstream->metrics.retries, 1);
}

static void begin_try(struct client_request *request, const struct destination *to)
{
    int64_t timeout_ms = request->group->upstream->try_timeout_ms;
    request->server = to->server;
    note_try(request);
    request->try_due_ms = timeout_ms > 0 ? request->try_began_us / 1000 + (uint64_t)timeout_ms : 0;
    if (request->tried.count < TRIED_SERVERS && find_tried(request, to->server) == TRIED_SERVERS)
        request->tried.items[request->tried.count++] = to->server;
    server_begin(to->server);
    request->is_begun = true;
    if (request->tries != 0)
        reset_response(request);
    request->is_reused = to->connection != NULL;
    if (to->connection != NULL)
        send_request(request, to->connection);
    else
        connect_to_server(request);
}

static unsigned whole_seconds(int64_t time_ms)
{
    return time_ms <= 1000 ? 1 : (unsigned)((time_ms + 999) / 1000);
}

static void wait_for_room(struct client_request *request)
{
    const struct upstream_settings *settings = request->group->upstream;
    struct upstream_queue *queue = &request->upstream->queue;
    request->server = NULL;
    request->try_due_ms = 0;
    note_begin(request, clock_monotonic_us());
    request->retry_after_s = whole_seconds(settings->queue_timeout_ms);
    if (settings->queue_length == 0) {
        client_request_fail(request, 503, "all its servers are busy");
        return;
    }
    if (queue->count >= settings->queue_length) {
        client_request_fail(request, 503, "all its servers are busy, and %zu requests wait already", queue->count);
        return;
    }
    request->state = REQUEST_QUEUED;
    request->place.is_choosy = request->tried.count != 0;
    client_request_watch(request, settings->queue_timeout_ms);
    upstream_queue_add(queue, &request->place);
}

static void go(struct client_request *request, enum server_choice choice, const struct destination *to)
{
    char absence[SERVER_ABSENCE_BYTES];
    request->retry_after_s = 0;
    switch (choice) {
    case SERVER_CHOSEN:
        begin_try(request, to);
        break;
    case SERVER_BUSY:
        wait_for_room(request);
        break;
    case SERVER_NONE:
        request->server = NULL;
        server_group_explain(request->group, absence);
        client_request_fail(request, 503, "no server is available%s", absence);
        break;
    }
}

static bool on_turn(struct queue_place *place)
{
    struct client_request *request = place->data;
    struct destination to = {0};
    enum server_choice choice = find_server(request, &to);
    if (choice == SERVER_BUSY)
        return false;
    upstream_queue_remove(&request->upstream->queue, place);
    go(request, choice, &to);
    return true;
}

void client_request_begin(struct client_request *request)
{
    struct destination to = {0};
    request->place.on_turn = on_turn;
    request->place.data = request;
    /* who came before goes before */
    bool is_waited = upstream_queue_is_waited_in(&request->upstream->queue);
    go(request, is_waited ? SERVER_BUSY : find_server(request, &to), &to);
}

void client_request_reconnect(struct client_request *request)
{
    request->is_retried = true;
    request->is_reused = false;
    --request->tries;
    connection_close(request->connection);
    request->connection = NULL;
    connect_to_server(request);
}

bool client_request_go_elsewhere(struct client_request *request, enum server_outcome outcome, bool may_wait)
{
    struct destination to = {0};
    enum server_choice choice = find_server(request, &to);
    if (choice == SERVER_NONE || (choice == SERVER_BUSY && !may_wait))
        return false;
    client_request_end_try(request, outcome);
    go(request, choice, &to);
    return true;
}
