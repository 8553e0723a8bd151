#include "upstream/client_request.h"
#include "upstream/forward.h"
#include "upstream/server_health.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    REASON_BYTES = 512,
};

bool client_request_may_repeat_method(const struct client_request *request)
{
    const struct retry_settings *retry = &request->group->upstream->retry;
    struct slice method = request->exchange->request.method;
    for (size_t i = 0; i < retry->method_count; ++i) {
        if (slice_equals(method, retry->methods[i].text))
            return true;
    }
    return retry->method_count == 0 && forward_is_idempotent(method);
}

static bool is_repeatable(const struct client_request *request)
{
    return client_request_can_repeat_body(request) && client_request_may_repeat_method(request);
}

/* Nothing tells a server that gives up a connection just before it is used from one that fails, but the first is
 * common and harmless. */
static bool is_stale(const struct client_request *request)
{
    bool is_first = request->is_reused && !request->has_received && !request->is_retried;
    return is_first && client_request_can_repeat_body(request) &&
           (forward_is_idempotent(request->exchange->request.method) || is_repeatable(request));
}

static bool may_try_again(struct client_request *request)
{
    const struct retry_settings *retry = &request->group->upstream->retry;
    return request->tries < retry->tries && is_repeatable(request) &&
           retry_budget_spend(&request->upstream->budget, retry->budget_percent, loop_now_ms(request->client->loop));
}

void client_request_lose(struct client_request *request, enum client_loss loss, const char *format, ...)
{
    const struct retry_settings *retry = &request->group->upstream->retry;
    struct server *server = request->server;
    char reason[REASON_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    if (loss == LOSS_FAILURE && is_stale(request)) {
        client_request_reconnect(request);
        return;
    }
    core_metrics_add(server->metrics.losses[loss == LOSS_TIMEOUT ? SERVER_LOSS_TIMEOUT : SERVER_LOSS_BROKEN], 1);
    bool is_wanted = loss == LOSS_TIMEOUT ? retry->on_timeout : retry->on_failure;
    if (is_wanted && may_try_again(request) && client_request_go_elsewhere(request, SERVER_FAILED, true))
        client_request_log(request, server, reason);
    else
        client_request_fail(request, loss == LOSS_TIMEOUT ? 504 : 502, "%s", reason);
}

bool client_request_replace_response(struct client_request *request, int status)
{
    struct server *server = request->server;
    if (!status_ranges_contain(&request->group->upstream->retry.statuses, status) || !may_try_again(request) ||
        !client_request_go_elsewhere(request, SERVER_ANSWERED, false))
        return false;
    char reason[64];
    snprintf(reason, sizeof(reason), "it answered %d, which calls for another try", status);
    client_request_log(request, server, reason);
    return true;
}
