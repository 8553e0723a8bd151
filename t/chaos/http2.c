#include "client.h"

#include <nghttp2/nghttp2.h>

enum {
    MOST_STREAMS = 16,
};

/* One request of the visit, from its beginning until its stream is closed. */
struct stream {
    struct order order;
    struct bytes body;
    struct claims claims;
    char letter;
    bool has_head, is_whole, is_left;
    struct stream *next;
};

struct http2 {
    nghttp2_session *session;
    struct stream *streams;
    unsigned open;
};

static struct stream *find_stream(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static bool is_named(const uint8_t *name, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *data)
{
    const struct visit *visit = data;
    struct stream *stream = find_stream(session, frame->hd.stream_id);
    char text[32];
    if (is_named(name, name_length, "x-injected"))
        client_complain(visit->client, stream == NULL ? 0 : stream->order.number, "a field was injected");
    if (stream == NULL || stream->has_head)
        return 0;
    snprintf(text, sizeof(text), "%.*s", (int)value_length, (const char *)value);
    uint64_t number = strtoull(text, NULL, 10);
    if (is_named(name, name_length, ":status"))
        stream->claims = (struct claims){.status = (int)number};
    else if (is_named(name, name_length, "x-stamp"))
        stream->claims.stamp = number;
    else if (is_named(name, name_length, "x-answer"))
        stream->claims.answer = number;
    else if (is_named(name, name_length, "x-reply"))
        stream->claims.reply = number;
    else if (is_named(name, name_length, "content-encoding"))
        stream->claims.is_coded = true;
    return 0;
}

static void take_head(const struct visit *visit, struct stream *stream)
{
    if (stream->claims.status < 200) {
        ++visit->client->interims;
        return;
    }
    stream->has_head = true;
    const char *fault = order_judge(&stream->order, &stream->claims, &stream->letter);
    if (fault != NULL)
        client_complain(visit->client, stream->order.number, fault);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct stream *stream = find_stream(session, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->has_head)
        take_head(data, stream);
    bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        stream->is_whole = true;
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *data)
{
    const struct visit *visit = data;
    const struct stream *stream = find_stream(session, frame->hd.stream_id);
    client_complain(visit->client, stream == NULL ? 0 : stream->order.number, nghttp2_strerror(code));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t length, void *data)
{
    struct visit *visit = data;
    struct stream *stream = find_stream(session, id);
    for (size_t i = 0; stream != NULL && stream->letter != 0 && i < length; ++i) {
        if ((char)bytes[i] == stream->letter)
            continue;
        client_complain(visit->client, stream->order.number, "the body has bytes of somebody else");
        stream->letter = 0;
    }
    if (stream != NULL && !stream->is_left && roll(&visit->dice, 100) == 0) {
        stream->is_left = true;
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    return 0;
}

static void forget_stream(struct http2 *http2, struct stream *gone)
{
    struct stream **link = &http2->streams;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    bytes_finish(&gone->body);
    free(gone);
    --http2->open;
}

static enum outcome find_outcome(const struct stream *stream, bool has_left)
{
    if (stream->is_whole)
        return client_judge_whole(&stream->claims);
    if (has_left || stream->is_left)
        return OUTCOME_LEFT;
    return stream->has_head ? OUTCOME_CUT : OUTCOME_CLOSED;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *data)
{
    struct visit *visit = data;
    struct stream *stream = find_stream(session, id);
    if (stream == NULL)
        return 0;
    bool is_refused = code == NGHTTP2_REFUSED_STREAM && !stream->has_head;
    int status = stream->is_whole ? stream->claims.status : 0;
    client_note(visit->client, is_refused ? OUTCOME_UNANSWERED : find_outcome(stream, false), status);
    forget_stream(visit->http2, stream);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length, uint32_t *flags,
                         nghttp2_data_source *source, void *data)
{
    struct visit *visit = data;
    struct stream *stream = source->ptr;
    size_t left = bytes_length(&stream->body), most = 1 + roll(&visit->dice, 20000);
    size_t taken = most < length ? most : length;
    if (taken >= left) {
        taken = left;
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    memcpy(buffer, stream->body.data + stream->body.start, taken);
    stream->body.start += taken;
    return (ssize_t)taken;
}

static nghttp2_nv field_of(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static void send_order(struct visit *visit)
{
    struct http2 *http2 = visit->http2;
    struct stream *stream = calloc(1, sizeof(*stream));
    stream->order = client_take_order(visit->client);
    stream->next = http2->streams;
    http2->streams = stream;
    ++http2->open;
    --visit->planned;
    struct order *order = &stream->order;
    char number[24], length[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)order->number);
    nghttp2_nv fields[9] = {field_of(":method", order->method), field_of(":scheme", "http"),
                            field_of(":authority", "chaos.example"), field_of(":path", order->path),
                            field_of("x-number", number)};
    size_t count = 5;
    if (order->takes_gzip)
        fields[count++] = field_of("accept-encoding", "gzip");
    if (order->is_coded) {
        fields[count++] = field_of("content-encoding", "gzip");
        fields[count++] = field_of("x-coded", "yes");
    }
    if (order->has_body)
        stream->body = order_body(order);
    snprintf(length, sizeof(length), "%zu", bytes_length(&stream->body));
    if (order->has_body && roll(&order->dice, 2))
        fields[count++] = field_of("content-length", length);
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_body};
    nghttp2_submit_request(http2->session, NULL, fields, count, order->has_body ? &provider : NULL, stream);
}

static void send_orders(struct visit *visit)
{
    while (visit->planned != 0 && visit->http2->open < MOST_STREAMS)
        send_order(visit);
}

static nghttp2_session *create_session(struct visit *visit)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_client_new(&session, callbacks, visit);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

void http2_begin(struct visit *visit)
{
    visit->http2 = calloc(1, sizeof(*visit->http2));
    visit->http2->session = create_session(visit);
    visit->planned = 1 + roll(&visit->dice, 60);
    nghttp2_submit_settings(visit->http2->session, NGHTTP2_FLAG_NONE, NULL, 0);
    send_orders(visit);
}

void http2_fill(struct visit *visit)
{
    const uint8_t *data;
    ssize_t length;
    while (bytes_length(&visit->output) < 16384 &&
           (length = nghttp2_session_mem_send(visit->http2->session, &data)) > 0)
        bytes_add(&visit->output, data, (size_t)length);
}

void http2_take(struct visit *visit, const char *data, size_t length)
{
    ssize_t taken = nghttp2_session_mem_recv(visit->http2->session, (const uint8_t *)data, length);
    if (taken < 0) {
        client_complain(visit->client, 0, nghttp2_strerror((int)taken));
        visit->is_over = true;
        return;
    }
    if (nghttp2_session_check_request_allowed(visit->http2->session) == 0)
        visit->planned = 0;
    send_orders(visit);
    visit->is_over = visit->http2->open == 0;
}

void http2_end(struct visit *visit, bool has_left)
{
    struct http2 *http2 = visit->http2;
    while (http2->streams != NULL) {
        struct stream *stream = http2->streams;
        client_note(visit->client, find_outcome(stream, has_left), stream->is_whole ? stream->claims.status : 0);
        forget_stream(http2, stream);
    }
    nghttp2_session_del(http2->session);
    free(http2);
}
