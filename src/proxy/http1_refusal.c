#include "proxy/http1_connection.h"

#include "base/log.h"
#include "filter/status.h"

enum {
    LOGGED_TARGET_BYTES = 1024,
};

static void write_answer(struct http1_connection *connection, int status, struct slice type, struct slice body,
                         bool keep_alive)
{
    struct exchange *exchange = connection->entry.exchange;
    struct arena *arena = &exchange->arena;
    bool has_body = !slice_equals(exchange->request.method, SLICE("HEAD"));
    exchange->response = (struct response_head){.status = status, .body_length = (int64_t)body.length};
    if (status == 200 || status == 405)
        headers_add(&exchange->response.headers, arena, SLICE("Allow"), SLICE(HTTP1_ALLOWED_METHODS));
    if (type.length != 0)
        headers_add(&exchange->response.headers, arena, SLICE("Content-Type"), type);

    struct http1_delivery delivery =
        http1_writer_plan(&exchange->response, has_body, exchange->request.minor_version, keep_alive);
    struct slice head =
        http1_writer_head(arena, &exchange->response, &delivery, http1_date_get(&connection->front->date));
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
    struct exchange *exchange = connection->entry.exchange;
    if (exchange->request.raw_target.length > LOGGED_TARGET_BYTES)
        exchange->request.raw_target.length = LOGGED_TARGET_BYTES;
    log_line(LOG_LEVEL_INFO, "refused a request from %s with %d: %s (request %.*s)", connection->peer_address, status,
             reason, SLICE_ARG(exchange->id));
    http1_sender_reset(connection);
    const struct error_page *page = exchange_find_page(exchange, status);
    if (page != NULL) {
        write_answer(connection, status, page->type, page->content, false);
        return;
    }
    struct slice body = arena_print(&exchange->arena, "%d %s: %s\n", status, status_phrase(status), reason);
    write_answer(connection, status, SLICE("text/plain; charset=utf-8"), body, false);
}

void http1_answer_server_wide(struct http1_connection *connection)
{
    bool has_body = connection->framing.is_chunked || connection->framing.content_length != 0;
    bool keep_alive = connection->framing.keep_alive && !has_body && !connection->front->is_draining;
    http1_sender_reset(connection);
    write_answer(connection, 200, SLICE_NONE, SLICE_NONE, keep_alive);
}
