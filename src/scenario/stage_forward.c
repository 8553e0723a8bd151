#include "scenario/stage.h"

/* Requests that exchanges forward, and the answers that they get. */

static struct exchange *exchange_of(const struct ask *ask)
{
    return ((const struct stage_client *)ask->asker_data)->exchange;
}

static void pull_body(struct ask *ask)
{
    exchange_pull_request(exchange_of(ask));
}

static void take_head(struct ask *ask, const struct response_head *head)
{
    struct exchange *exchange = exchange_of(ask);
    exchange->response.status = head->status;
    exchange->response.body_length = head->body_length;
    for (size_t i = 0; i < head->headers.count; ++i)
        headers_add(&exchange->response.headers, &exchange->arena, head->headers.items[i].name,
                    head->headers.items[i].value);
    exchange_response_head(exchange);
}

static void take_piece(struct ask *ask, struct slice piece, bool last)
{
    exchange_response_body(exchange_of(ask), piece, last);
}

static void take_failure(struct ask *ask, int status)
{
    struct stage_client *client = ask->asker_data;
    struct exchange *exchange = client->exchange;
    client->ask = NULL;
    exchange_fail(exchange, status);
}

static const struct asker asker = {
    .pull_body = pull_body,
    .take_head = take_head,
    .take_piece = take_piece,
    .take_failure = take_failure,
};

struct ask *forward_start(struct stage_client *client)
{
    struct exchange *exchange = client->exchange;
    struct stage *stage = client->stage;
    const struct request_head *request = &exchange->request;
    struct ask *ask = ask_add(stage, stage_find_upstream(stage, exchange->upstream->name), &asker, client);
    ask_show_head(ask, request->method, request->path, request->has_query ? &request->query : NULL);
    if (request->authority.length != 0)
        headers_add(&ask->seen.headers, &stage->arena, SLICE("host"), arena_copy(&stage->arena, request->authority));
    message_add_fields(&ask->seen, &stage->arena, &request->headers);
    message_take_attributes(&ask->seen, &stage->arena, &exchange->attributes);
    if (exchange->streams_request) {
        ask_show_length(ask, exchange->request_length);
        return ask;
    }
    ask_show_length(ask, (int64_t)exchange->request_body.length);
    ask_give_body(ask, exchange->request_body, true);
    return ask;
}
