#include "front/http2_connection.h"

#include "base/clock.h"
#include "http/head_text.h"
#include "http/response_rules.h"

#include <nghttp2/nghttp2.h>

enum {
    OWN_FIELDS = 4, /* :status, date, content-length, trailer */
    MOST_DIGITS = 20,
    /* while no more than that waits for the client, pieces are large, or small; else tiny */
    LARGE_PIECES_BYTES = 64 * 1024,
    SMALL_PIECES_BYTES = 256 * 1024,
    /* of requests' bodies, less what their heads take */
    MOST_KEPT_BYTES = 256 * 1024,
};

static void add_field(nghttp2_nv *fields, size_t *count, struct slice name, struct slice value)
{
    fields[(*count)++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.data,
        .namelen = name.length,
        .value = (uint8_t *)(uintptr_t)value.data,
        .valuelen = value.length,
    };
}

static struct slice print_number(struct arena *arena, uint64_t number)
{
    char *text = arena_alloc(arena, MOST_DIGITS);
    return slice_of(text, (size_t)(head_put_number(text, number) - text));
}

/* libnghttp2 copies them, and makes the names lower case. */
static nghttp2_nv *collect_fields(struct arena *arena, const struct response_head *head, size_t *count)
{
    nghttp2_nv *fields = arena_alloc(arena, (head->headers.count + OWN_FIELDS) * sizeof(*fields));
    *count = 0;
    add_field(fields, count, SLICE(":status"), print_number(arena, (uint64_t)head->status));
    for (size_t i = 0; i < head->headers.count; ++i)
        add_field(fields, count, head->headers.items[i].name, head->headers.items[i].value);
    return fields;
}

static bool has_trailers(const struct http2_stream *stream)
{
    return stream->state == HTTP2_STREAM_EXCHANGE && stream->entry.exchange->response_trailers.count != 0;
}

/* They end the stream, in place of its last DATA frame. */
static bool submit_trailers(const struct http2_stream *stream)
{
    struct exchange *exchange = stream->entry.exchange;
    const struct headers *trailers = &exchange->response_trailers;
    nghttp2_nv *fields = arena_alloc(&exchange->arena, trailers->count * sizeof(*fields));
    size_t count = 0;
    for (size_t i = 0; i < trailers->count; ++i)
        add_field(fields, &count, trailers->items[i].name, trailers->items[i].value);
    return nghttp2_submit_trailer(stream->connection->session, stream->id, fields, count) == 0;
}

static ssize_t choose_data(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length, uint32_t *flags,
                           nghttp2_data_source *source, void *data)
{
    const struct http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream == NULL || stream->is_cut)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    bool is_end = stream->is_last && (stream->is_owed || stream->owes_end);
    if (stream->rest.length == 0 && !is_end)
        return NGHTTP2_ERR_DEFERRED;
    size_t part = stream->rest.length < length ? stream->rest.length : length;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!is_end || part != stream->rest.length)
        return (ssize_t)part;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (has_trailers(stream)) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (!submit_trailers(stream))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)part;
}

static void submit_fields(struct http2_stream *stream, const nghttp2_nv *fields, size_t count)
{
    const nghttp2_data_provider provider = {.read_callback = choose_data};
    stream->has_head = true;
    stream->entry.first_byte_us = clock_monotonic_us();
    if (nghttp2_submit_response(stream->connection->session, stream->id, fields, count,
                                stream->has_body ? &provider : NULL) != 0)
        http2_sender_reset(stream, NGHTTP2_INTERNAL_ERROR);
}

static void submit_head(struct http2_stream *stream, bool has_body)
{
    struct http2_connection *connection = stream->connection;
    struct exchange *exchange = stream->entry.exchange;
    const struct response_head *response = &exchange->response;
    size_t count;
    if (!stream->is_open)
        return;
    nghttp2_nv *fields = collect_fields(&exchange->arena, response, &count);
    if (headers_find(&response->headers, SLICE("date")) == NULL)
        add_field(fields, &count, SLICE("date"), http_date_now(&connection->front->date));
    if (response_tells_length(response))
        add_field(fields, &count, SLICE("content-length"),
                  print_number(&exchange->arena, (uint64_t)response->body_length));
    if (has_body && response->trailer_names.length != 0)
        add_field(fields, &count, SLICE("trailer"), response->trailer_names);
    stream->has_body = has_body && response->body_length != 0;
    submit_fields(stream, fields, count);
}

void http2_sender_switch(struct http2_stream *stream)
{
    struct exchange *exchange = stream->entry.exchange;
    struct response_head head = {.status = 200, .headers = exchange->response.headers};
    size_t count;
    if (!stream->is_open)
        return;
    nghttp2_nv *fields = collect_fields(&exchange->arena, &head, &count);
    stream->has_body = true;
    submit_fields(stream, fields, count);
}

void http2_sender_refuse(struct http2_stream *stream)
{
    stream->owes_end = true;
    submit_head(stream, false);
}

static void start_timer(struct http2_stream *stream)
{
    const struct front_http2 *front = stream->connection->front;
    /* a tunnel has times of its own */
    if (stream->tunnel_side != NULL)
        return;
    stream->seen_data_bytes = stream->connection->data_bytes;
    timer_start(front->loop, &stream->timer, front->settings->write_timeout_ms);
}

void http2_sender_choose_pieces(struct http2_connection *connection)
{
    struct exchange_room *room = &connection->room;
    size_t head_bytes = connection->head_bytes;
    size_t used_bytes = connection->waiting_bytes + room->coded_bytes + head_bytes;
    if (used_bytes <= LARGE_PIECES_BYTES)
        room->piece_bytes = RECEIVE_LARGE_BYTES;
    else
        room->piece_bytes = used_bytes <= SMALL_PIECES_BYTES ? RECEIVE_SMALL_BYTES : RECEIVE_TINY_BYTES;
    room->most_kept_bytes = head_bytes < MOST_KEPT_BYTES ? MOST_KEPT_BYTES - head_bytes : 0;
}

static void hold(struct http2_stream *stream)
{
    struct http2_connection *connection = stream->connection;
    /* what came with the head of a tunnel's response may wait beside it */
    size_t bytes = connection->room.piece_bytes * (stream->tunnel_side != NULL ? 2 : 1);
    if (stream->piece_bytes < bytes)
        stream->piece_bytes = bytes;
    stream->is_held = true;
    connection->waiting_bytes += stream->piece_bytes;
    http2_sender_choose_pieces(connection);
}

void http2_sender_release(struct http2_stream *stream)
{
    if (!stream->is_held)
        return;
    stream->is_held = false;
    stream->connection->waiting_bytes -= stream->piece_bytes;
    http2_sender_choose_pieces(stream->connection);
}

static void give_piece(struct http2_stream *stream)
{
    if (stream->rest.length == 0) {
        http2_stream_make_due(stream);
        return;
    }
    hold(stream);
    start_timer(stream);
}

void http2_sender_give_data(struct http2_stream *stream, struct slice data, bool last)
{
    stream->rest = stream->has_body && stream->is_open ? data : SLICE_NONE;
    stream->is_owed = true;
    stream->is_last = last;
    give_piece(stream);
    if (stream->is_open && stream->has_body)
        nghttp2_session_resume_data(stream->connection->session, stream->id);
}

void http2_sender_answer(struct http2_stream *stream, struct slice body)
{
    struct exchange *exchange = stream->entry.exchange;
    bool has_body = !stream->is_head_request && body.length != 0;
    exchange->response_bytes = has_body ? body.length : 0;
    submit_head(stream, has_body);
    http2_sender_give_data(stream, body, true);
}

void http2_sender_reset(struct http2_stream *stream, uint32_t error_code)
{
    stream->is_cut = true;
    if (stream->is_open)
        nghttp2_submit_rst_stream(stream->connection->session, NGHTTP2_FLAG_NONE, stream->id, error_code);
}

void http2_sender_take_data(struct http2_stream *stream, size_t length)
{
    struct http2_connection *connection = stream->connection;
    text_add(&connection->out, slice_of(stream->rest.data, length));
    stream->rest = slice_skip(stream->rest, length);
    connection->data_bytes += length;
    stream->sent_bytes += length;
    if (stream->rest.length != 0) {
        start_timer(stream);
        return;
    }
    timer_stop(connection->front->loop, &stream->timer);
    if (!stream->is_last)
        http2_stream_make_due(stream);
}

static void give_up(struct http2_stream *stream)
{
    http2_guard_note_stall(&stream->connection->guard);
    http2_sender_reset(stream, NGHTTP2_CANCEL);
    http2_connection_check_guard(stream->connection);
}

void http2_sender_check_progress(struct http2_stream *stream)
{
    const struct http2_connection *connection = stream->connection;
    if (!stream->is_open || stream->rest.length == 0)
        return;
    bool is_shut = nghttp2_session_get_stream_remote_window_size(connection->session, stream->id) <= 0;
    bool is_all_shut = nghttp2_session_get_remote_window_size(connection->session) <= 0;
    if (is_shut || (is_all_shut && connection->data_bytes == stream->seen_data_bytes))
        give_up(stream);
    else
        start_timer(stream);
}

static void submit_interim(struct http2_stream *stream, const struct response_head *head)
{
    size_t count;
    if (!stream->is_open || stream->has_head)
        return;
    nghttp2_nv *fields = collect_fields(&stream->entry.exchange->arena, head, &count);
    nghttp2_submit_headers(stream->connection->session, NGHTTP2_FLAG_NONE, stream->id, NULL, fields, count, NULL);
}

void http2_sender_ask_for_body(struct http2_stream *stream)
{
    submit_interim(stream, &(struct response_head){.status = 100});
}

static void swap_and_write(struct http2_connection *connection)
{
    struct text emptied = connection->sending;
    connection->sending = connection->out;
    connection->out = emptied;
    struct iovec piece = {.iov_base = connection->sending.data, .iov_len = connection->sending.length};
    timer_start(connection->front->loop, &connection->write_timer, connection->front->settings->write_timeout_ms);
    socket_write(connection->socket, &piece, 1);
}

void http2_sender_collect(struct http2_connection *connection)
{
    if (connection->socket == NULL || connection->is_lingering)
        return;
    while (connection->out.length < HTTP2_OUT_BYTES) {
        const uint8_t *bytes;
        ssize_t length = nghttp2_session_mem_send(connection->session, &bytes);
        if (length < 0) {
            http2_connection_lose(connection);
            return;
        }
        if (length == 0)
            break;
        text_add(&connection->out, slice_of((const char *)bytes, (size_t)length));
    }
}

void http2_sender_write(struct http2_connection *connection)
{
    if (connection->socket == NULL)
        return;
    if (connection->out.length != 0 && !socket_is_writing(connection->socket))
        swap_and_write(connection);
}

static void send_head(struct dispatch_entry *entry)
{
    struct http2_stream *stream = http2_stream_of(entry);
    if (stream->framing.is_websocket && entry->exchange->response.status < 300)
        http2_tunnel_send_head(stream);
    else
        submit_head(stream, !stream->is_head_request && exchange_has_body(entry->exchange));
}

static void send_body(struct dispatch_entry *entry, struct slice data, bool last)
{
    struct http2_stream *stream = http2_stream_of(entry);
    http2_sender_give_data(stream, data, last);
    http2_connection_poke(stream->connection);
}

static void flush(struct dispatch_entry *entry)
{
    http2_connection_poke(http2_stream_of(entry)->connection);
}

static void cut_off(struct dispatch_entry *entry)
{
    struct http2_stream *stream = http2_stream_of(entry);
    http2_sender_reset(stream, NGHTTP2_INTERNAL_ERROR);
    http2_connection_poke(stream->connection);
}

static void send_interim(struct dispatch_entry *entry, const struct response_head *interim)
{
    struct http2_stream *stream = http2_stream_of(entry);
    submit_interim(stream, interim);
    http2_connection_poke(stream->connection);
}

static void finished(struct dispatch_entry *entry)
{
    struct http2_stream *stream = http2_stream_of(entry);
    stream->is_finished = true;
    http2_stream_make_due(stream);
    http2_connection_poke(stream->connection);
}

const struct dispatch_front http2_sender = {
    .send_head = send_head,
    .send_body = send_body,
    .flush = flush,
    .abort = cut_off,
    .send_interim = send_interim,
    .pull_request = http2_body_pull,
    .take_over = http2_tunnel_take_over,
    .give_back = http2_tunnel_give_back,
    .finished = finished,
};
