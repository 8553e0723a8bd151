#include "front/http2_connection.h"

#include "base/clock.h"
#include "base/log.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum {
    MOST_ACKS = 2000, /* of SETTINGS and PING that wait to be written */
    MOST_CONTINUATIONS = 8,
    LOGGED_REFUSALS = 10, /* of frames, by one connection: the end of a flood has a line of its own */
    LEAST_USEFUL_BYTES = 512,
    MOST_HEAD_BYTES = 1024 * 1024, /* of a response, packed */
    PACKING_BYTES = 2048,          /* of fields that were sent, to pack others by; they take several times that */
};

static struct http2_stream *find_stream(struct http2_connection *connection, int32_t id)
{
    return nghttp2_session_get_stream_user_data(connection->session, id);
}

static uint64_t now_ms(const struct http2_connection *connection)
{
    return loop_now_ms(connection->front->loop);
}

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2_connection *connection = data;
    connection->is_reading_head = true;
    if (!is_request(frame) || connection->is_ending)
        return 0;
    connection->has_had_streams = true;
    struct http2_stream *stream = http2_stream_open(connection, frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *data)
{
    struct http2_stream *stream = find_stream(data, frame->hd.stream_id);
    const struct header field = {.name = slice_of((const char *)name, name_length),
                                 .value = slice_of((const char *)value, value_length)};
    if (stream == NULL)
        return 0;
    if (is_request(frame))
        http2_stream_add_field(stream, &field);
    else if (!http2_stream_add_trailer(stream, &field))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

/* Left alone, libnghttp2 would pass over some of these fields and go on. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *data)
{
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void note_use(struct http2_connection *connection, bool is_useful)
{
    if (is_useful)
        http2_guard_note_useful(&connection->guard, now_ms(connection));
}

static void take_headers(struct http2_connection *connection, const nghttp2_frame *frame)
{
    struct http2_stream *stream = find_stream(connection, frame->hd.stream_id);
    connection->is_reading_head = false;
    if (stream == NULL)
        return;
    note_use(connection, true);
    stream->is_request_over = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (is_request(frame))
        http2_stream_end_head(stream);
    else
        http2_stream_make_due(stream);
}

static void take_data(struct http2_connection *connection, const nghttp2_frame *frame)
{
    struct http2_stream *stream = find_stream(connection, frame->hd.stream_id);
    bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    note_use(connection, is_last || frame->data.hd.length > frame->data.padlen);
    if (stream == NULL || !is_last)
        return;
    stream->is_request_over = true;
    http2_stream_make_due(stream);
}

/* A stream that has no more to say is not broken off, nor is one that the client cannot know yet to be over. */
static void take_reset(struct http2_connection *connection, const nghttp2_frame *frame)
{
    struct http2_stream *stream = find_stream(connection, frame->hd.stream_id);
    if (stream != NULL && !stream->is_response_over)
        http2_guard_note_reset(&connection->guard, now_ms(connection));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2_connection *connection = data;
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        take_headers(connection, frame);
        break;
    case NGHTTP2_DATA:
        take_data(connection, frame);
        break;
    case NGHTTP2_RST_STREAM:
        take_reset(connection, frame);
        break;
    case NGHTTP2_PING:
        if (is_ack && connection->is_told_to_leave)
            http2_connection_finish_drain(connection);
        break;
    default:
        break;
    }
    http2_connection_check_guard(connection);
    return 0;
}

/* Each request that is refused has one line, as long as the connection has few; there may be no stream. */
static void log_refusal(struct http2_connection *connection, struct http2_stream *stream, const char *reason)
{
    struct slice id = stream != NULL ? stream->entry.exchange->id : SLICE("none");
    connection->has_logged_refusal = true;
    if (stream != NULL && stream->has_logged_refusal)
        return;
    if (stream != NULL)
        stream->has_logged_refusal = true;
    if (!connection->is_ending && ++connection->refused_frames <= LOGGED_REFUSALS)
        log_line(LOG_LEVEL_INFO, "refused a frame from %s: %s (request %.*s)", connection->peer.address, reason,
                 SLICE_ARG(id));
}

/* The stream, or the connection, is ended by libnghttp2. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *data)
{
    struct http2_connection *connection = data;
    if (frame->hd.type == NGHTTP2_HEADERS)
        connection->is_reading_head = false;
    log_refusal(connection, find_stream(connection, frame->hd.stream_id), nghttp2_strerror(error));
    return 0;
}

/* What libnghttp2 ends without a call of on_invalid_frame: a stream whose data are not what its head says, and what
 * cannot be taken for a frame at all. */
static void note_end(struct http2_connection *connection, const nghttp2_frame *frame, uint32_t error)
{
    struct http2_stream *stream = find_stream(connection, frame->hd.stream_id);
    bool has_logged = stream != NULL ? stream->has_logged_refusal : connection->has_logged_refusal;
    if (!has_logged)
        log_refusal(connection, stream, nghttp2_http2_strerror(error));
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t length, void *data)
{
    struct http2_stream *stream = find_stream(data, id);
    if (stream != NULL)
        http2_body_add(stream, slice_of((const char *)bytes, length));
    else
        nghttp2_session_consume(session, id, length);
    return 0;
}

/* CANCEL is what we say of our own accord; libnghttp2 does not. */
static bool is_clients_fault(uint32_t error)
{
    return error != NGHTTP2_NO_ERROR && error != NGHTTP2_INTERNAL_ERROR && error != NGHTTP2_CANCEL;
}

static void note_reset(struct http2_connection *connection, const nghttp2_frame *frame)
{
    uint32_t error = frame->rst_stream.error_code;
    if (!is_clients_fault(error))
        return;
    /* a client that is too slow is no news */
    if (error != NGHTTP2_CANCEL)
        note_end(connection, frame, error);
    http2_guard_note_reset(&connection->guard, now_ms(connection));
    http2_connection_check_guard(connection);
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2_connection *connection = data;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        note_reset(connection, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        note_end(connection, frame, frame->goaway.error_code);
        http2_connection_give_up(connection);
    }
    bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    struct http2_stream *stream = may_end ? find_stream(connection, frame->hd.stream_id) : NULL;
    if (stream == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    stream->is_response_over = true;
    http2_guard_note_good(&connection->guard, now_ms(connection));
    stream->entry.last_byte_us = clock_monotonic_us();
    http2_stream_make_due(stream);
    /* the rest of the request is of no use: RFC 9113 section 8.1 */
    if (!stream->is_request_over && stream->tunnel_side == NULL)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

/* A head may be too large even for what is allowed here. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *data)
{
    struct http2_stream *stream = find_stream(data, frame->hd.stream_id);
    if (stream != NULL && stream->is_open && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
        http2_sender_reset(stream, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct http2_stream *stream = find_stream(data, id);
    if (stream == NULL)
        return 0;
    stream->is_open = false;
    http2_stream_make_due(stream);
    return 0;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t length,
                     nghttp2_data_source *source, void *data)
{
    struct http2_connection *connection = data;
    struct http2_stream *stream = find_stream(connection, frame->hd.stream_id);
    if (stream == NULL || stream->is_cut)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (connection->out.length >= HTTP2_OUT_BYTES)
        return NGHTTP2_ERR_WOULDBLOCK;
    text_add(&connection->out, slice_of((const char *)frame_head, 9));
    http2_sender_take_data(stream, length);
    /* windows that are opened byte by byte are of no use */
    note_use(connection, length >= LEAST_USEFUL_BYTES || stream->rest.length == 0);
    return 0;
}

static nghttp2_session_callbacks *create_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
}

static nghttp2_option *create_options(void)
{
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0)
        abort();
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, MOST_ACKS);
    nghttp2_option_set_max_send_header_block_length(option, MOST_HEAD_BYTES);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, PACKING_BYTES);
    nghttp2_option_set_max_continuations(option, MOST_CONTINUATIONS);
    /* the guard is stricter */
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX);
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
    return option;
}

static void create_session(struct http2_connection *connection)
{
    nghttp2_session_callbacks *callbacks = create_callbacks();
    nghttp2_option *option = create_options();
    nghttp2_mem memory = {&connection->memory, http2_memory_malloc, http2_memory_free, http2_memory_calloc,
                          http2_memory_realloc};
    http2_memory_begin(&connection->memory, &connection->front->regions);
    if (nghttp2_session_server_new3(&connection->session, callbacks, connection, option, &memory) != 0)
        abort();
    http2_memory_seal(&connection->memory);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}

void http2_session_create(struct http2_connection *connection)
{
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_MOST_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)connection->front->settings->head_limit_bytes},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    create_session(connection);
    nghttp2_session *session = connection->session;
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries, sizeof(entries) / sizeof(entries[0])) != 0 ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, HTTP2_WINDOW_BYTES) != 0)
        abort();
}

void http2_session_destroy(struct http2_connection *connection)
{
    nghttp2_session_del(connection->session);
    http2_memory_finish(&connection->memory, &connection->front->regions);
}

bool http2_session_take(struct http2_connection *connection, struct slice data)
{
    connection->has_logged_refusal = false;
    http2_guard_watch(&connection->guard, data, now_ms(connection));
    http2_connection_check_guard(connection);
    if (connection->is_ending)
        return true;
    ssize_t used = nghttp2_session_mem_recv(connection->session, (const uint8_t *)data.data, data.length);
    http2_guard_settle(&connection->guard, now_ms(connection));
    if (used >= 0) {
        http2_connection_check_guard(connection);
        return true;
    }
    if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC || used == NGHTTP2_ERR_NOMEM || used == NGHTTP2_ERR_CALLBACK_FAILURE)
        return false;
    http2_connection_blame(connection, nghttp2_strerror((int)used));
    return true;
}

bool http2_session_is_over(const struct http2_connection *connection)
{
    return !nghttp2_session_want_read(connection->session) && !nghttp2_session_want_write(connection->session);
}
