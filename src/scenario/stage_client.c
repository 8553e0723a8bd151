#include "scenario/stage.h"

#include "http/request_rules.h"

#include <inttypes.h>

static struct stage_client *client_of(const struct exchange *exchange)
{
    return exchange->owner_data;
}

static void forward(struct exchange *exchange)
{
    struct stage_client *client = client_of(exchange);
    client->ask = forward_start(client);
}

static void send_head(struct exchange *exchange)
{
    struct stage_client *client = client_of(exchange);
    struct arena *arena = &client->stage->arena;
    const struct response_head *response = &exchange->response;
    client->seen.has_head = true;
    client->seen.start = arena_print(arena, "%d", response->status);
    message_add_fields(&client->seen, arena, &response->headers);
    message_take_attributes(&client->seen, arena, &exchange->attributes);
    if (response->body_length >= 0 && response->status != 204 && response->status != 304)
        message_add_length(&client->seen, arena, response->body_length);
    stage_tell(client->stage, "%.*s sees %d", SLICE_ARG(client->name), response->status);
}

static void send_body(struct exchange *exchange, struct slice data, bool last)
{
    struct stage_client *client = client_of(exchange);
    text_add(&client->seen.body, data);
    client->seen.is_ended = last;
    client->is_sending = true;
    stage_tell(client->stage, "%.*s sees %zu bytes of the body%s", SLICE_ARG(client->name), data.length,
               last ? ", and its end" : "");
}

static void pull(struct exchange *exchange)
{
    const struct stage_client *client = client_of(exchange);
    if (client->ask != NULL)
        ask_pull(client->ask);
}

static void pull_request(struct exchange *exchange)
{
    client_of(exchange)->is_pulled = true;
}

static void send_request(struct exchange *exchange, struct slice data, bool last)
{
    struct stage_client *client = client_of(exchange);
    if (client->ask != NULL)
        ask_give_body(client->ask, data, last);
}

static void ignore_flush(struct exchange *exchange)
{
}

static void cancel(struct exchange *exchange)
{
    struct stage_client *client = client_of(exchange);
    if (client->ask != NULL)
        ask_leave(client->ask);
    client->ask = NULL;
}

static void cut_off(struct exchange *exchange)
{
    struct stage_client *client = client_of(exchange);
    client->seen.is_broken = true;
    stage_tell(client->stage, "%.*s sees that the response is cut", SLICE_ARG(client->name));
}

static void on_deadline(void *data)
{
    struct stage_client *client = data;
    client->pause = NULL;
    exchange_deadline(client->exchange);
}

static void note_pause(struct exchange *exchange, bool is_paused)
{
    struct stage_client *client = client_of(exchange);
    struct stage *stage = client->stage;
    uint64_t most_ms = (uint64_t)stage->scenario->settings->handler_timeout_ms;
    stage_tell(stage, is_paused ? "a filter pauses" : "the pause has ended");
    if (client->pause != NULL)
        stage_clock_services.stop(client->pause);
    client->pause = is_paused ? stage_clock_services.start(&stage->clock, most_ms, on_deadline, client) : NULL;
}

static void finished(struct exchange *exchange)
{
    struct stage_client *client = client_of(exchange);
    if (client->ask != NULL)
        client->ask->asker = NULL;
    client->ask = NULL;
    client->exchange = NULL;
    message_take_attributes(&client->seen, &client->stage->arena, &exchange->attributes);
    client->is_sending = client->is_pulled = false;
    exchange_destroy(exchange);
}

static const struct exchange_owner owner = {
    .forward = forward,
    .send_head = send_head,
    .send_body = send_body,
    .pull = pull,
    .pull_request = pull_request,
    .send_request = send_request,
    .flush = ignore_flush,
    .cancel = cancel,
    .abort = cut_off,
    .paused = note_pause,
    .finished = finished,
};

struct stage_client *stage_find_client(struct stage *stage, struct slice name)
{
    for (size_t i = 0; i < stage->client_count; ++i) {
        if (slice_equals(stage->clients[i]->name, name))
            return stage->clients[i];
    }
    struct stage_client *client = arena_zalloc(&stage->arena, sizeof(*client));
    client->stage = stage;
    client->name = name;
    stage->clients = arena_grow(&stage->arena, stage->clients, stage->client_count, &stage->client_capacity,
                                sizeof(*stage->clients));
    stage->clients[stage->client_count++] = client;
    return client;
}

static struct slice find_fact(struct exchange_tls *tls, flexilib_tls_fact fact)
{
    const struct tls_facts *facts = (const struct tls_facts *)tls;
    for (size_t i = 0; i < facts->count; ++i) {
        if (facts->rules[i].fact == fact)
            return facts->rules[i].value;
    }
    return SLICE_NONE;
}

/* Fields as the front would give them: what frames the message becomes its length, and the host stands apart. */
static void take_fields(struct exchange *exchange, const struct event *event)
{
    struct request_head *request = &exchange->request;
    request->authority = SLICE("example.com");
    for (size_t i = 0; i < event->field_count; ++i) {
        const struct field_rule *rule = &event->fields[i];
        for (size_t j = 0; j < rule->value_count; ++j) {
            struct slice value = content_join(&rule->values[j], &exchange->arena);
            uint64_t length;
            if (slice_equals_nocase(rule->name, SLICE("host")))
                request->authority = value;
            else if (!header_is_hop_by_hop(rule->name))
                headers_add(&request->headers, &exchange->arena, rule->name, value);
            else if (slice_parse_number(value, &length))
                exchange->request_length = (int64_t)length;
            else
                exchange->streams_request = true;
        }
    }
}

static void take_body(struct stage_client *client, const struct event *event)
{
    struct exchange *exchange = client->exchange;
    piece_queue_add(&client->upload, &client->stage->arena, &event->body, client->stage->options.chunk_bytes);
    if (!event->is_unfinished)
        piece_queue_complete(&client->upload);
    bool is_at_hand = client->upload.is_complete && client->upload.count <= 1 && !exchange->streams_request;
    if (is_at_hand) {
        exchange->request_body = client->upload.count == 0 ? SLICE_NONE : client->upload.items[0];
        return;
    }
    if (exchange->request_length == -1 && !event->is_unfinished && !exchange->streams_request)
        exchange->request_length = (int64_t)event->body.length;
    exchange->streams_request = true;
}

static void take_origin(struct stage_client *client, const struct event *event)
{
    struct exchange *exchange = client->exchange;
    exchange->peer_address = event->address.length == 0 ? SLICE("192.0.2.1") : event->address;
    exchange->peer_port = 40000;
    exchange->request.scheme = event->scheme.length == 0 ? SLICE("http") : event->scheme;
    client->tls = (struct tls_facts){.tls = {.find = find_fact}, .rules = event->tls, .count = event->tls_count};
    if (event->tls_count != 0)
        exchange->tls = &client->tls.tls;
}

void stage_client_send(struct stage_client *client, const struct event *event)
{
    struct stage *stage = client->stage;
    const struct plan_route *route = stage->route;
    message_clear(&client->seen);
    client->upload = (struct piece_queue){0};
    struct exchange *exchange = exchange_create(stage->runtime, &owner, client);
    client->exchange = exchange;
    exchange->id = arena_print(&exchange->arena, "%016" PRIx64, ++stage->next_id);
    exchange->request.method = event->method;
    exchange->request.raw_target = event->target;
    exchange->request.minor_version = 1;
    exchange->request_length = -1;
    struct request_refusal refusal = request_rules_take_path(&exchange->request, event->target, &exchange->arena);
    if (refusal.status != 0)
        exchange->request.path = event->target; /* "*" */
    take_fields(exchange, event);
    take_origin(client, event);
    take_body(client, event);
    exchange->route_name = route->name;
    exchange->upstream = route->upstream;
    exchange->error_pages = route->error_pages;
    exchange->body_limit_bytes = (uint64_t)route->body_limit_bytes;
    stage_tell(stage, "%.*s sends %.*s %.*s", SLICE_ARG(client->name), SLICE_ARG(event->method),
               SLICE_ARG(event->target));
    exchange_start(exchange, &route->chain);
}

void stage_client_leave(struct stage_client *client)
{
    if (client->exchange == NULL)
        return;
    stage_tell(client->stage, "%.*s leaves", SLICE_ARG(client->name));
    exchange_gone(client->exchange);
}

bool stage_client_move(struct stage_client *client)
{
    struct slice piece;
    bool last;
    if (client->is_pulled && piece_queue_take(&client->upload, &piece, &last)) {
        client->is_pulled = false;
        exchange_request_body(client->exchange, piece, last);
        return true;
    }
    if (!client->is_sending || client->is_stopped)
        return false;
    client->is_sending = false;
    exchange_sent(client->exchange);
    return true;
}
