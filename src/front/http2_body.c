#include "front/http2_connection.h"

#include "front/front_answer.h"
#include "http/body_patience.h"

#include <nghttp2/nghttp2.h>

enum {
    /* of the memory for what is received; the latter while that is little */
    GROWTH_BYTES = 16 * 1024,
    SMALL_GROWTH_BYTES = 1024,
};

/* The client may send as much again. */
static void release(struct http2_stream *stream, size_t length)
{
    stream->body.held_bytes -= length;
    if (length != 0)
        nghttp2_session_consume(stream->connection->session, stream->id, length);
}

static void await_more(struct http2_stream *stream)
{
    const struct front_http2 *front = stream->connection->front;
    struct http2_body *body = &stream->body;
    if (body->timer.position != 0)
        return;
    body->wait_began_ms = loop_now_ms(front->loop);
    timer_start(front->loop, &body->timer, body_patience_ms(front->settings, body->received_bytes, body->waited_ms));
    if (body->owes_continue)
        http2_sender_ask_for_body(stream);
    body->owes_continue = false;
}

static void end_wait(struct http2_stream *stream)
{
    struct loop *loop = stream->connection->front->loop;
    struct http2_body *body = &stream->body;
    if (body->timer.position == 0)
        return;
    timer_stop(loop, &body->timer);
    body->waited_ms += loop_now_ms(loop) - body->wait_began_ms;
}

static void on_timeout(struct timer *timer)
{
    struct http2_stream *stream = timer->data;
    struct http2_connection *connection = stream->connection;
    http2_connection_enter(connection);
    if (stream->body.is_pulled && exchange_may_pull_request(stream->entry.exchange))
        front_answer_bad_body(stream->entry.exchange, 408, "the body did not come in time");
    http2_connection_leave(connection);
}

void http2_body_begin(struct http2_stream *stream)
{
    struct exchange *exchange = stream->entry.exchange;
    struct http2_body *body = &stream->body;
    if (stream->framing.is_websocket)
        return;
    if (stream->is_request_over) {
        exchange->request_body = text_slice(&body->in);
        return;
    }
    body->timer = (struct timer){.on_timeout = on_timeout, .data = stream};
    body->owes_continue = stream->framing.expects_continue && body->in.length == 0;
    exchange->streams_request = true;
    exchange->request_length = stream->framing.content_length;
}

/* A text that doubles each time may be half empty. */
static void make_room(struct text *in, size_t more)
{
    size_t needed = in->length + more + 1;
    size_t step = needed < GROWTH_BYTES ? SMALL_GROWTH_BYTES : GROWTH_BYTES;
    struct text grown = TEXT_INIT;
    if (needed <= in->capacity)
        return;
    text_reserve(&grown, needed / step * step + step - 1);
    text_add(&grown, text_slice(in));
    text_finish(in);
    *in = grown;
}

static bool is_wanted(const struct http2_stream *stream)
{
    if (stream->state == HTTP2_STREAM_ANSWER || stream->is_finished)
        return false;
    if (stream->framing.is_websocket)
        return !stream->has_head || stream->tunnel_side != NULL;
    return stream->state != HTTP2_STREAM_EXCHANGE || exchange_may_pull_request(stream->entry.exchange);
}

void http2_body_add(struct http2_stream *stream, struct slice data)
{
    struct http2_body *body = &stream->body;
    body->held_bytes += data.length;
    body->received_bytes += data.length;
    if (!is_wanted(stream)) {
        release(stream, data.length);
        return;
    }
    make_room(&body->in, data.length);
    text_add(&body->in, data);
    if (body->is_pulled || stream->wants_input)
        http2_stream_make_due(stream);
}

void http2_body_give(struct http2_stream *stream)
{
    struct http2_body *body = &stream->body;
    if (!body->is_pulled || !stream->is_open)
        return;
    if (body->in.length == 0 && !stream->is_request_over) {
        await_more(stream);
        return;
    }
    end_wait(stream);
    body->is_pulled = false;
    if (stream->trailers.is_too_large) {
        front_answer_bad_body(stream->entry.exchange, 431, "the trailers are too large");
        return;
    }
    struct text emptied = body->lent;
    body->lent = body->in;
    body->in = emptied;
    exchange_request_body(stream->entry.exchange, text_slice(&body->lent), stream->is_request_over);
}

void http2_body_pull(struct dispatch_entry *entry)
{
    struct http2_stream *stream = http2_stream_of(entry);
    struct http2_body *body = &stream->body;
    release(stream, body->lent.length);
    text_finish(&body->lent);
    body->is_pulled = true;
    http2_body_give(stream);
    http2_connection_poke(stream->connection);
}

bool http2_body_is_empty(const struct http2_stream *stream)
{
    const struct http2_body *body = &stream->body;
    return body->taken_bytes == body->lent.length && body->in.length == 0;
}

size_t http2_body_take(struct http2_stream *stream, char *buffer, size_t capacity)
{
    struct http2_body *body = &stream->body;
    if (body->taken_bytes == body->lent.length) {
        text_finish(&body->lent);
        body->lent = body->in;
        body->in = TEXT_INIT;
        body->taken_bytes = 0;
    }
    size_t left = body->lent.length - body->taken_bytes;
    size_t length = left < capacity ? left : capacity;
    if (length != 0)
        memcpy(buffer, body->lent.data + body->taken_bytes, length);
    body->taken_bytes += length;
    release(stream, length);
    return length;
}

void http2_body_finish(struct http2_stream *stream)
{
    release(stream, stream->body.held_bytes);
    timer_stop(stream->connection->front->loop, &stream->body.timer);
    text_finish(&stream->body.in);
    text_finish(&stream->body.lent);
}
