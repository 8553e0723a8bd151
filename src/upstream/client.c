#include "upstream/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "tls/tls_upstream.h"
#include "upstream/client_request.h"
#include "upstream/server_count.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_SPARE = 256,
    MOST_SPARE_HEAD_BYTES = 16 * 1024,
};

struct client *client_create(const struct settings *settings, struct loop *loop, struct resolver *resolver)
{
    struct client *client = mem_zalloc(sizeof(*client));
    client->loop = loop;
    client->resolver = resolver;
    client->group_count = settings->upstream_count;
    client->groups = mem_zalloc(settings->upstream_count * sizeof(client->groups[0]));
    client->upstreams = mem_zalloc(settings->upstream_count * sizeof(client->upstreams[0]));
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        struct server_group *group = &client->groups[upstream->index];
        struct client_upstream *own = &client->upstreams[upstream->index];
        server_group_init(group, upstream, loop);
        upstream_queue_init(&own->queue, loop);
        failure_log_init(&own->failures, loop, upstream->name, SLICE_NONE);
        for (size_t j = 0; j < group->count; ++j) {
            if (!group->servers[j].is_numeric)
                resolver_prepare(resolver, group->servers[j].settings->host);
        }
    }
    return client;
}

void client_use_metrics(struct client *client, struct core_metrics *core)
{
    for (size_t i = 0; i < client->group_count; ++i) {
        struct server_group *group = &client->groups[i];
        struct slice name = group->upstream->name;
        upstream_metrics_find(&client->upstreams[i].metrics, core, name);
        queue_metrics_find(&client->upstreams[i].queue.metrics, core, name);
        for (size_t j = 0; j < group->count; ++j)
            server_metrics_find(&group->servers[j].metrics, core, name, group->servers[j].settings->url);
    }
}

void client_use_tls(struct client *client, struct tls_upstreams *tls)
{
    for (size_t i = 0; i < client->group_count; ++i)
        server_group_use_tls(&client->groups[i], tls_upstreams_find(tls, i));
}

void client_share_servers(struct client *client, struct server_states *states, uint32_t row, const uint32_t *numbers)
{
    for (size_t i = 0; i < client->group_count; ++i) {
        server_group_share(&client->groups[i], states, row, numbers);
        client->upstreams[i].queue.mark.shared = server_group_waiting(&client->groups[i]);
        numbers += client->groups[i].count;
    }
}

bool client_close_one_idle(struct client *client)
{
    struct connection *oldest = NULL;
    for (size_t i = 0; i < client->group_count; ++i) {
        for (size_t j = 0; j < client->groups[i].count; ++j) {
            struct connection *connection = client->groups[i].servers[j].oldest;
            if (connection != NULL && (oldest == NULL || connection->idle_since_ms < oldest->idle_since_ms))
                oldest = connection;
        }
    }
    connection_close(oldest);
    return oldest != NULL;
}

void client_start_checks(struct client *client)
{
    if (client->checks == NULL)
        client->checks = health_checks_create(client->loop, client->resolver, client->groups, client->group_count);
}

void client_stop_checks(struct client *client)
{
    health_checks_destroy(client->checks);
    client->checks = NULL;
}

static void destroy_request(struct client_request *request)
{
    text_finish(&request->head);
    free(request);
}

void client_destroy(struct client *client)
{
    if (client == NULL)
        return;
    assert(client->active_count == 0);
    client_stop_checks(client);
    for (size_t i = 0; i < client->group_count; ++i) {
        server_group_finish(&client->groups[i]);
        failure_log_finish(&client->upstreams[i].failures);
    }
    free(client->groups);
    free(client->upstreams);
    receive_buffers_finish(&client->buffers);
    body_pipes_finish(&client->pipes);
    while (client->spare != NULL) {
        struct client_request *request = client->spare;
        client->spare = request->next;
        destroy_request(request);
    }
    free(client);
}

/* Returns what is left for server_end to note. */
static enum server_outcome note_outcome(struct client_request *request, enum server_outcome outcome)
{
    /* a server that waits for the client's next bytes need not have done anything wrong when it gives up */
    if (outcome == SERVER_FAILED && request->upload.is_pulled)
        outcome = SERVER_LEFT;
    if (!request->is_judged)
        return outcome;
    request->is_judged = false;
    if (outcome == SERVER_FAILED)
        server_break(request->server, request->failures_if_broken);
    return SERVER_LEFT;
}

void client_request_end_try(struct client_request *request, enum server_outcome outcome)
{
    connector_stop(&request->connector);
    if (request->is_counted)
        server_connection_closed(request->server);
    request->is_counted = false;
    connection_close(request->connection);
    request->connection = NULL;
    if (!request->is_begun)
        return;
    request->is_begun = false;
    server_end(request->server, note_outcome(request, outcome), request->status);
    upstream_queue_wake(&request->upstream->queue);
}

void client_request_judge(struct client_request *request)
{
    request->is_judged = true;
    request->failures_if_broken = server_judge(request->server, request->status);
}

void client_request_free(struct client_request *request)
{
    struct client *client = request->client;
    client_request_end_try(request, request->status != 0 ? SERVER_ANSWERED : SERVER_LEFT);
    upstream_queue_remove(&request->upstream->queue, &request->place);
    timer_stop(client->loop, &request->timer);
    receive_buffer_give(&client->buffers, request->buffer);
    request->buffer = NULL;
    body_pipe_give(&client->pipes, request->pipe);
    request->pipe = NULL;
    client_request_drop_held_body(request);
    text_finish(&request->trailers.lines);
    --client->active_count;
    if (client->spare_count == MOST_SPARE || request->head.capacity > MOST_SPARE_HEAD_BYTES) {
        destroy_request(request);
        return;
    }
    request->next = client->spare;
    client->spare = request;
    ++client->spare_count;
}

struct exchange *client_request_end(struct client_request *request)
{
    struct exchange *exchange = request->exchange;
    request->on_over(exchange);
    client_request_free(request);
    return exchange;
}

void client_request_log(const struct client_request *request, struct server *server, const char *reason)
{
    failure_log_add(server != NULL ? &server->failures : &request->upstream->failures, reason, request->exchange->id);
}

void client_log_failure(struct client *client, const struct upstream_settings *upstream, const char *reason,
                        struct slice request_id)
{
    failure_log_add(&client->upstreams[upstream->index].failures, reason, request_id);
}

void client_request_fail(struct client_request *request, int status, const char *format, ...)
{
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    client_request_log(request, request->server, reason);
    if (request->state == REQUEST_QUEUED)
        request->exchange->forwarding.waited_us = clock_monotonic_us() - request->began_us;
    client_request_end_try(request, SERVER_FAILED);
    upstream_queue_remove(&request->upstream->queue, &request->place);
    request->state = REQUEST_FAILED;
    request->failure_status = status;
    timer_start(request->client->loop, &request->timer, 0);
}

static struct client_request *take_request(struct client *client)
{
    struct client_request *request = client->spare;
    struct text head = TEXT_INIT;
    if (request != NULL) {
        client->spare = request->next;
        --client->spare_count;
        head = request->head;
    } else {
        request = mem_alloc(sizeof(*request));
    }
    /* the connector's room for addresses and words needs no clearing */
    memset(request, 0, offsetof(struct client_request, connector));
    memset(&request->connector, 0, offsetof(struct connector, addresses));
    size_t rest = offsetof(struct client_request, connection);
    memset((char *)request + rest, 0, sizeof(*request) - rest);
    request->head = head;
    ++client->active_count;
    return request;
}

static struct client_request *send_by(struct client *client, struct exchange *exchange, const struct plan_route *route,
                                      const struct client_body *body, void (*on_over)(struct exchange *exchange))
{
    struct client_request *request = take_request(client);
    const struct upstream_settings *upstream = exchange->upstream;
    request->client = client;
    request->exchange = exchange;
    request->route = route;
    request->on_over = on_over;
    request->timer = (struct timer){.on_timeout = client_request_on_timeout, .data = request};
    request->group = &client->groups[upstream->index];
    request->upstream = &client->upstreams[upstream->index];
    exchange->forwarding = (struct exchange_forwarding){.upstream = upstream->name};
    if (body != NULL)
        client_request_stream_body(request, body);
    if (upstream->total_timeout_ms > 0)
        request->total_due_ms = clock_monotonic_us() / 1000 + (uint64_t)upstream->total_timeout_ms;
    retry_budget_earn(&request->upstream->budget, loop_now_ms(client->loop));
    client_request_begin(request);
    return request;
}

struct client_request *client_send(struct client *client, struct exchange *exchange, const struct plan_route *route,
                                   void (*on_over)(struct exchange *exchange))
{
    return send_by(client, exchange, route, NULL, on_over);
}

struct client_request *client_send_body(struct client *client, struct exchange *exchange,
                                        const struct plan_route *route, const struct client_body *body,
                                        void (*on_over)(struct exchange *exchange))
{
    return send_by(client, exchange, route, body, on_over);
}

void client_pull(struct client_request *request)
{
    request->is_pulled = true;
    if (request->state == REQUEST_BODY)
        client_request_deliver(request);
    else if (request->state == REQUEST_SWITCHED)
        exchange_response_body(client_request_end(request), SLICE_NONE, true);
}

void client_cancel(struct client_request *request)
{
    if (!request->is_delivering && !request->upload.is_pulling) {
        client_request_free(request);
        return;
    }
    client_request_leave_room(request);
    request->state = REQUEST_CANCELLED;
}
