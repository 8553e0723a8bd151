#include "front/http1_connection.h"

#include "front/front_answer.h"

static void write_answer(struct http1_connection *connection, struct slice body, bool keep_alive)
{
    struct exchange *exchange = connection->entry.exchange;
    struct arena *arena = &exchange->arena;
    bool has_body = !slice_equals(exchange->request.method, SLICE("HEAD"));
    dispatch_mark(&connection->entry, connection->tls != NULL);
    struct http1_delivery delivery =
        http1_writer_plan(&exchange->response, has_body, exchange->request.minor_version, keep_alive);
    struct slice head =
        http1_writer_head(arena, &exchange->response, &delivery, http_date_now(&connection->front->date));
    connection->state = HTTP1_ANSWER;
    connection->framing.keep_alive = keep_alive;
    connection->output.delivery = delivery;
    if (!has_body)
        body = SLICE_NONE;
    exchange->response_bytes = body.length;
    http1_sender_answer(connection, head, body);
}

void http1_refuse(struct http1_connection *connection, int status, const char *reason)
{
    if (connection->entry.exchange == NULL) {
        struct arena *arena = http1_connection_open_exchange(connection);
        http1_request_guess(http1_input_slice(&connection->input), arena, &connection->entry.exchange->request);
    }
    http1_sender_reset(connection);
    write_answer(connection, front_answer_refusal(connection->entry.exchange, status, reason), false);
}

void http1_answer_server_wide(struct http1_connection *connection)
{
    bool has_body = connection->framing.is_chunked || connection->framing.content_length != 0;
    bool keep_alive = connection->framing.keep_alive && !has_body && !connection->front->is_draining;
    http1_sender_reset(connection);
    front_answer_server_wide(connection->entry.exchange);
    write_answer(connection, SLICE_NONE, keep_alive);
}
