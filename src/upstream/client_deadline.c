#include "upstream/client_request.h"

#include <inttypes.h>

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    if (a_ms == 0 || b_ms == 0)
        return a_ms + b_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

/* Until the response begins, the time that the source takes with the body does not count. */
static bool is_clock_stopped(const struct client_request *request)
{
    return request->state == REQUEST_WAITING && request->upload.is_pulled;
}

/* A timer that fires too soon finds out, and is started anew; so most phases begin without touching it. */
static void start_timer(struct client_request *request)
{
    uint64_t due_ms = request->phase_due_ms;
    const struct timer *timer = &request->timer;
    if (!is_clock_stopped(request))
        due_ms = sooner(due_ms, sooner(request->try_due_ms, request->total_due_ms));
    if (due_ms == 0 || (timer->position != 0 && timer->due_ms <= due_ms))
        return;
    timer_start_at(request->client->loop, &request->timer, due_ms);
}

void client_request_watch(struct client_request *request, int64_t timeout_ms)
{
    request->phase_due_ms = timeout_ms > 0 ? loop_now_ms(request->client->loop) + (uint64_t)timeout_ms : 0;
    start_timer(request);
}

void client_request_forgive_wait(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    if (!is_clock_stopped(request))
        return;
    uint64_t now_ms = loop_now_ms(request->client->loop), waited_ms = now_ms - upload->pulled_ms;
    upload->pulled_ms = now_ms;
    if (request->try_due_ms != 0)
        request->try_due_ms += waited_ms;
    if (request->total_due_ms != 0)
        request->total_due_ms += waited_ms;
}

/* One write may be more than a slow server takes in the time for it. */
static bool is_being_taken(struct client_request *request)
{
    uint64_t before = request->upload.taken_bytes;
    request->upload.taken_bytes = socket_taken_bytes(request->connection->socket);
    return request->upload.taken_bytes > before;
}

static void end_wait(struct client_request *request)
{
    const struct upstream_settings *upstream = request->group->upstream;
    if (request->upload.is_written)
        client_request_lose(request, LOSS_TIMEOUT, "no response within %" PRId64 " ms", upstream->response_timeout_ms);
    else if (is_being_taken(request))
        client_request_watch(request, upstream->send_timeout_ms);
    else
        client_request_lose(request, LOSS_TIMEOUT, "it took nothing of the request for %" PRId64 " ms",
                            upstream->send_timeout_ms);
}

/* Whether the request is still on its way, so that a server may rightly wait for more of it. */
static bool is_uploading(struct client_request *request)
{
    const struct client_upload *upload = &request->upload;
    if (upload->is_written || request->connection == NULL)
        return false;
    return upload->is_pulled || is_being_taken(request);
}

static void end_phase(struct client_request *request)
{
    const struct upstream_settings *upstream = request->group->upstream;
    switch (request->state) {
    case REQUEST_QUEUED:
        client_request_fail(request, 503, "no server had room within %" PRId64 " ms", upstream->queue_timeout_ms);
        break;
    case REQUEST_WAITING:
        end_wait(request);
        break;
    case REQUEST_BODY:
        if (is_uploading(request)) {
            client_request_watch(request, upstream->idle_timeout_ms);
            break;
        }
        core_metrics_add(request->server->metrics.losses[SERVER_LOSS_TIMEOUT], 1);
        client_request_fail(request, 504, "nothing more of the response within %" PRId64 " ms",
                            upstream->idle_timeout_ms);
        break;
    case REQUEST_CONNECTING:
    case REQUEST_SWITCHED:
    case REQUEST_FAILED:
    case REQUEST_CANCELLED:
        break;
    }
}

static void end_all(struct client_request *request)
{
    /* a server that has answered may only have had to wait for the client */
    if (request->state == REQUEST_BODY)
        client_request_end_try(request, SERVER_ANSWERED);
    request->retry_after_s = 0;
    if (request->is_begun)
        core_metrics_add(request->server->metrics.losses[SERVER_LOSS_TIMEOUT], 1);
    client_request_fail(request, 504, "no complete response within %" PRId64 " ms in all",
                        request->group->upstream->total_timeout_ms);
}

static void tell_failure(struct client_request *request)
{
    int status = request->failure_status;
    unsigned retry_after_s = request->retry_after_s;
    struct exchange *exchange = client_request_end(request);
    if (retry_after_s != 0)
        exchange_fail_for(exchange, status, retry_after_s);
    else
        exchange_fail(exchange, status);
}

void client_request_on_timeout(struct timer *timer)
{
    struct client_request *request = timer->data;
    uint64_t now_ms = loop_now_ms(request->client->loop);
    bool counts = !is_clock_stopped(request);
    if (request->state == REQUEST_FAILED)
        tell_failure(request);
    else if (counts && request->total_due_ms != 0 && request->total_due_ms <= now_ms)
        end_all(request);
    else if (counts && request->try_due_ms != 0 && request->try_due_ms <= now_ms)
        client_request_lose(request, LOSS_TIMEOUT, "no response within %" PRId64 " ms of the try",
                            request->group->upstream->try_timeout_ms);
    else if (request->phase_due_ms != 0 && request->phase_due_ms <= now_ms)
        end_phase(request);
    else
        start_timer(request);
}
