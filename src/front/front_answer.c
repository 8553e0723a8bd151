#include "front/front_answer.h"

#include "base/log.h"
#include "filter/status.h"
#include "http/request_rules.h"

enum {
    LOGGED_TARGET_BYTES = 1024,
};

static void fill_response(struct exchange *exchange, int status, struct slice type, struct slice body)
{
    struct arena *arena = &exchange->arena;
    exchange->response = (struct response_head){.status = status, .body_length = (int64_t)body.length};
    if (status == 200 || status == 405)
        headers_add(&exchange->response.headers, arena, SLICE("Allow"), SLICE(REQUEST_ALLOWED_METHODS));
    if (type.length != 0)
        headers_add(&exchange->response.headers, arena, SLICE("Content-Type"), type);
}

static void log_refusal(struct exchange *exchange, int status, const char *reason)
{
    if (exchange->request.raw_target.length > LOGGED_TARGET_BYTES)
        exchange->request.raw_target.length = LOGGED_TARGET_BYTES;
    log_line(LOG_LEVEL_INFO, "refused a request from %.*s with %d: %s (request %.*s)",
             SLICE_ARG(exchange->peer_address), status, reason, SLICE_ARG(exchange->id));
}

static struct slice write_reason(struct exchange *exchange, int status, const char *reason)
{
    return arena_print(&exchange->arena, "%d %s: %s\n", status, status_phrase(status), reason);
}

struct slice front_answer_refusal(struct exchange *exchange, int status, const char *reason)
{
    log_refusal(exchange, status, reason);
    const struct error_page *page = exchange_find_page(exchange, status);
    struct slice type = page != NULL ? page->type : SLICE("text/plain; charset=utf-8");
    struct slice body = page != NULL ? page->content : write_reason(exchange, status, reason);
    fill_response(exchange, status, type, body);
    return body;
}

void front_answer_bad_body(struct exchange *exchange, int status, const char *reason)
{
    log_refusal(exchange, status, reason);
    exchange_request_fail(exchange, status, write_reason(exchange, status, reason));
}

void front_answer_server_wide(struct exchange *exchange)
{
    fill_response(exchange, 200, SLICE_NONE, SLICE_NONE);
}
