#include "front/http2_connection.h"

#include "base/log.h"
#include "listen/tls_listener.h"

#include <errno.h>
#include <inttypes.h>
#include <nghttp2/nghttp2.h>

enum {
    LINGER_MS = 2000,
    LINGER_LIMIT_BYTES = 16 * 1024 * 1024,
    LEAVE_MS = 1000,        /* until a client must have heard that it is to leave */
    MOST_KEPT_BYTES = 4096, /* of the memory for what is written, while there is nothing but streams are at work */
};

static void stop_timers(struct http2_connection *connection)
{
    timer_stop(connection->front->loop, &connection->wait_timer);
    timer_stop(connection->front->loop, &connection->write_timer);
    timer_stop(connection->front->loop, &connection->leave_timer);
    timer_stop(connection->front->loop, &connection->delay_timer);
}

static void let_streams_go(struct http2_connection *connection)
{
    for (struct http2_stream *stream = connection->first; stream != NULL; stream = stream->next) {
        stream->is_open = false;
        http2_stream_make_due(stream);
    }
}

void http2_connection_lose(struct http2_connection *connection)
{
    if (connection->socket == NULL)
        return;
    tls_listeners_note_end(connection->front->tls, connection->socket, connection->peer.address);
    socket_close(connection->socket);
    connection->socket = NULL;
    stop_timers(connection);
    let_streams_go(connection);
}

void http2_connection_give_up(struct http2_connection *connection)
{
    connection->is_ending = true;
    let_streams_go(connection);
}

void http2_connection_blame(struct http2_connection *connection, const char *complaint)
{
    if (connection->is_ending)
        return;
    ++connection->front->offender_count;
    log_line(LOG_LEVEL_WARNING, "ended the HTTP/2 connection from %s: %s (%" PRIu64 " such connections so far)",
             connection->peer.address, complaint, connection->front->offender_count);
    nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
    http2_connection_give_up(connection);
}

void http2_connection_check_guard(struct http2_connection *connection)
{
    const char *complaint = http2_guard_complaint(&connection->guard);
    if (complaint != NULL)
        http2_connection_blame(connection, complaint);
}

/* RFC 9113 section 6.8: first without saying which request is the last, as some may be on their way. */
void http2_connection_drain(struct http2_connection *connection)
{
    if (connection->socket == NULL || connection->is_told_to_leave || connection->is_ending)
        return;
    connection->is_told_to_leave = true;
    nghttp2_submit_shutdown_notice(connection->session);
    nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
    timer_start(connection->front->loop, &connection->leave_timer, LEAVE_MS);
}

void http2_connection_finish_drain(struct http2_connection *connection)
{
    if (connection->socket == NULL || connection->is_sent_away)
        return;
    connection->is_sent_away = true;
    timer_stop(connection->front->loop, &connection->leave_timer);
    nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(connection->session), NGHTTP2_NO_ERROR, NULL, 0);
}

size_t http2_connection_cut_requests(struct http2_connection *connection, uint64_t began_before_us)
{
    size_t count = 0;
    for (struct http2_stream *stream = connection->first; stream != NULL; stream = stream->next) {
        if (stream->is_cut || !dispatch_is_overdue(&stream->entry, began_before_us))
            continue;
        ++count;
        http2_sender_reset(stream, NGHTTP2_CANCEL);
    }
    return count;
}

/* Closing at once would reset the connection under what the client still sends, and it might never see the rest. */
static void linger(struct http2_connection *connection)
{
    stop_timers(connection);
    connection->is_lingering = true;
    socket_finish_writing(connection->socket);
    socket_read(connection->socket, true);
    timer_start(connection->front->loop, &connection->wait_timer, LINGER_MS);
}

static void throw_away_input(struct http2_connection *connection)
{
    ssize_t received = socket_receive(connection->socket, connection->front->input, HTTP2_INPUT_BYTES);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received > 0)
        connection->lingered_bytes += (uint64_t)received;
    if (received <= 0 || connection->lingered_bytes > LINGER_LIMIT_BYTES)
        http2_connection_lose(connection);
}

static enum http2_wait choose_wait(const struct http2_connection *connection)
{
    if (connection->is_reading_head || !connection->has_had_streams)
        return HTTP2_WAIT_HEAD;
    return connection->first == NULL ? HTTP2_WAIT_IDLE : HTTP2_WAIT_NOTHING;
}

/* What the client is waited for, which it cannot prolong by other frames. */
static void watch_wait(struct http2_connection *connection)
{
    const struct settings *settings = connection->front->settings;
    enum http2_wait wait = choose_wait(connection);
    if (wait == connection->wait)
        return;
    connection->front->resting_count +=
        (size_t)(wait == HTTP2_WAIT_IDLE) - (size_t)(connection->wait == HTTP2_WAIT_IDLE);
    connection->wait = wait;
    if (wait == HTTP2_WAIT_NOTHING)
        timer_stop(connection->front->loop, &connection->wait_timer);
    else
        timer_start(connection->front->loop, &connection->wait_timer,
                    wait == HTTP2_WAIT_HEAD ? settings->header_timeout_ms : settings->keep_alive_timeout_ms);
}

/* An idle connection keeps none. */
static void release_memory(struct http2_connection *connection)
{
    text_finish(&connection->out);
    text_finish(&connection->sending);
}

static void settle(struct http2_connection *connection)
{
    if (connection->socket == NULL || connection->is_lingering)
        return;
    bool is_written = connection->out.length == 0 && !socket_is_writing(connection->socket);
    if (is_written && connection->first == NULL)
        release_memory(connection);
    if (is_written && http2_session_is_over(connection))
        linger(connection);
    else
        watch_wait(connection);
}

static struct http2_stream *take_due(struct http2_connection *connection)
{
    struct http2_stream *stream = connection->first_due;
    if (stream == NULL)
        return NULL;
    connection->first_due = stream->next_due;
    if (connection->first_due == NULL)
        connection->last_due = NULL;
    stream->next_due = NULL;
    stream->is_due = false;
    return stream;
}

/* Sending makes streams due that wait for it, which may have more to send. It comes first, as streams that libnghttp2
 * is about to reset are not begun. */
static void work(struct http2_connection *connection)
{
    http2_sender_collect(connection);
    while (connection->first_due != NULL) {
        struct http2_stream *stream;
        while ((stream = take_due(connection)) != NULL)
            http2_stream_work(stream);
        http2_sender_collect(connection);
    }
    http2_sender_write(connection);
}

void http2_connection_leave(struct http2_connection *connection)
{
    if (connection->depth == 1) {
        work(connection);
        settle(connection);
    }
    if (--connection->depth != 0 || connection->socket != NULL || connection->first != NULL)
        return;
    timer_stop(connection->front->loop, &connection->poke_timer);
    http2_session_destroy(connection);
    release_memory(connection);
    http2_connection_destroy(connection);
}

/* The timer fires once the loop has served all sockets that were ready, so that what came for several streams leaves
 * in one write. */
void http2_connection_poke(struct http2_connection *connection)
{
    if (connection->depth == 0 && connection->poke_timer.position == 0)
        timer_start(connection->front->loop, &connection->poke_timer, 0);
}

void http2_connection_work_soon(struct http2_connection *connection)
{
    if (connection->depth == 0)
        timer_start(connection->front->loop, &connection->poke_timer, 0);
}

static void receive(struct http2_connection *connection)
{
    char *input = connection->front->input;
    ssize_t received = socket_receive(connection->socket, input, HTTP2_INPUT_BYTES);
    if (received > 0 && !http2_session_take(connection, slice_of(input, (size_t)received)))
        http2_connection_lose(connection);
    if (received == 0 || (received < 0 && errno != EAGAIN))
        http2_connection_lose(connection);
}

static void on_readable(struct socket *socket, void *data)
{
    struct http2_connection *connection = data;
    http2_connection_enter(connection);
    if (connection->is_lingering || connection->is_ending)
        throw_away_input(connection);
    else
        receive(connection);
    http2_connection_leave(connection);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct http2_connection *connection = data;
    http2_connection_enter(connection);
    timer_stop(connection->front->loop, &connection->write_timer);
    text_clear(&connection->sending);
    if (connection->sending.capacity > MOST_KEPT_BYTES)
        text_finish(&connection->sending);
    if (!is_ok)
        http2_connection_lose(connection);
    http2_connection_leave(connection);
}

/* One write may be more than a slow client takes in the time for it. */
static void on_write_timeout(struct timer *timer)
{
    struct http2_connection *connection = timer->data;
    http2_connection_enter(connection);
    uint64_t before = connection->taken_bytes;
    connection->taken_bytes = socket_taken_bytes(connection->socket);
    if (connection->taken_bytes > before) {
        timer_start(connection->front->loop, timer, connection->front->settings->write_timeout_ms);
    } else {
        socket_reset_on_close(connection->socket);
        http2_connection_lose(connection);
    }
    http2_connection_leave(connection);
}

static void on_wait_timeout(struct timer *timer)
{
    struct http2_connection *connection = timer->data;
    http2_connection_enter(connection);
    if (connection->is_lingering)
        http2_connection_lose(connection);
    else if (connection->is_reading_head)
        http2_connection_blame(connection, "a head did not come in time");
    else
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    http2_connection_leave(connection);
}

static void on_leave_timeout(struct timer *timer)
{
    struct http2_connection *connection = timer->data;
    http2_connection_enter(connection);
    http2_connection_finish_drain(connection);
    http2_connection_leave(connection);
}

static void on_delay_over(struct timer *timer)
{
    struct http2_connection *connection = timer->data;
    http2_connection_enter(connection);
    http2_guard_settle(&connection->guard, loop_now_ms(connection->front->loop));
    http2_stream_retry_delayed(connection);
    http2_connection_leave(connection);
}

static void on_poke(struct timer *timer)
{
    struct http2_connection *connection = timer->data;
    http2_connection_enter(connection);
    http2_connection_leave(connection);
}

void http2_connection_start(struct http2_connection *connection, struct slice received)
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    connection->wait_timer = (struct timer){.on_timeout = on_wait_timeout, .data = connection};
    connection->write_timer = (struct timer){.on_timeout = on_write_timeout, .data = connection};
    connection->leave_timer = (struct timer){.on_timeout = on_leave_timeout, .data = connection};
    connection->delay_timer = (struct timer){.on_timeout = on_delay_over, .data = connection};
    connection->poke_timer = (struct timer){.on_timeout = on_poke, .data = connection};
    http2_session_create(connection);
    http2_sender_choose_pieces(connection);
    socket_set_events(connection->socket, &events, connection);
    http2_connection_enter(connection);
    if (connection->front->is_draining)
        http2_connection_drain(connection);
    if (received.length != 0 && !http2_session_take(connection, received))
        http2_connection_lose(connection);
    else
        socket_read(connection->socket, true);
    http2_connection_leave(connection);
}
