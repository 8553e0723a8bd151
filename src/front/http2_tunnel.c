#include "front/http2_connection.h"

#include "base/log.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

static bool is_broken(const struct http2_stream *stream)
{
    return stream->connection->socket == NULL || (!stream->is_open && !stream->is_request_over);
}

static bool has_input(const struct http2_stream *stream)
{
    return is_broken(stream) || stream->is_request_over || !http2_body_is_empty(stream);
}

static void read_on(void *end, bool is_wanted)
{
    struct http2_stream *stream = end;
    stream->wants_input = is_wanted;
    if (!is_wanted || !has_input(stream))
        return;
    http2_stream_make_due(stream);
    http2_connection_work_soon(stream->connection);
}

static ssize_t receive(void *end, char *buffer, size_t capacity)
{
    struct http2_stream *stream = end;
    if (is_broken(stream)) {
        errno = ECONNRESET;
        return -1;
    }
    size_t length = http2_body_take(stream, buffer, capacity);
    if (length != 0)
        http2_connection_poke(stream->connection);
    if (length != 0 || stream->is_request_over)
        return (ssize_t)length;
    errno = EAGAIN;
    return -1;
}

static void write_data(void *end, struct slice data)
{
    struct http2_stream *stream = end;
    http2_sender_give_data(stream, data, false);
    http2_connection_poke(stream->connection);
}

static void finish_writing(void *end)
{
    struct http2_stream *stream = end;
    stream->is_last = stream->owes_end = true;
    if (stream->is_open)
        nghttp2_session_resume_data(stream->connection->session, stream->id);
    http2_connection_poke(stream->connection);
}

static uint64_t count_taken(void *end)
{
    const struct http2_stream *stream = end;
    return stream->sent_bytes;
}

/* RFC 8441 section 5. */
static void reset(void *end)
{
    http2_sender_reset(end, NGHTTP2_CANCEL);
}

/* To the client, any 2xx would mean that it may speak its protocol. */
static void refuse(struct http2_stream *stream)
{
    struct exchange *exchange = stream->entry.exchange;
    log_line(LOG_LEVEL_INFO,
             "refused a request from %.*s with 501: it was for a WebSocket, and answered with %d (request %.*s)",
             SLICE_ARG(exchange->peer_address), exchange->response.status, SLICE_ARG(exchange->id));
    exchange->response = (struct response_head){.status = 501};
    http2_sender_refuse(stream);
}

void http2_tunnel_send_head(struct http2_stream *stream)
{
    if (stream->entry.exchange->response.status != 101) {
        refuse(stream);
        return;
    }
    headers_remove(&stream->entry.exchange->response.headers, SLICE("sec-websocket-accept"));
    http2_sender_switch(stream);
}

struct tunnel_end http2_tunnel_take_over(struct dispatch_entry *entry, struct tunnel_side *side)
{
    static const struct tunnel_end_calls calls = {
        .read = read_on,
        .receive = receive,
        .write = write_data,
        .finish_writing = finish_writing,
        .taken_bytes = count_taken,
        .reset = reset,
    };
    struct http2_stream *stream = http2_stream_of(entry);
    stream->tunnel_side = side;
    return (struct tunnel_end){
        .calls = &calls,
        .end = stream,
        .has_received = !http2_body_is_empty(stream),
        .most_received = RECEIVE_TINY_BYTES,
        .most_passed = &stream->connection->room.piece_bytes,
    };
}

void http2_tunnel_work(struct http2_stream *stream)
{
    if (stream->is_owed && (stream->rest.length == 0 || !stream->is_open)) {
        stream->is_owed = false;
        stream->rest = SLICE_NONE;
        http2_sender_release(stream);
        tunnel_on_written(stream->tunnel_side, stream->is_open);
    }
    if (stream->tunnel_side != NULL && stream->wants_input && has_input(stream))
        tunnel_on_readable(stream->tunnel_side);
}

static void end_stream(struct http2_stream *stream)
{
    if (!stream->is_open || stream->is_cut)
        return;
    if (!stream->owes_end)
        http2_sender_reset(stream, NGHTTP2_CANCEL);
    else if (stream->is_response_over && !stream->is_request_over)
        http2_sender_reset(stream, NGHTTP2_NO_ERROR);
}

void http2_tunnel_give_back(struct dispatch_entry *entry)
{
    struct http2_stream *stream = http2_stream_of(entry);
    stream->tunnel_side = NULL;
    stream->wants_input = stream->is_owed = false;
    stream->rest = SLICE_NONE;
    http2_sender_release(stream);
    end_stream(stream);
    http2_connection_poke(stream->connection);
}
