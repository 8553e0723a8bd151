#include "front/http1_connection.h"

#include "front/front_answer.h"
#include "http/body_patience.h"

enum {
    /* As much as one piece holds, and as much of a body as is gathered before the exchange begins, if it is there. */
    PIECE_BYTES = 64 * 1024,
    /* what one client may send in one go, before others have their turn */
    MOST_RECEIVES = 16,
};

static size_t input_length(const struct http1_connection *connection)
{
    return http1_input_slice(&connection->input).length;
}

/* How much to have room for: never more than has been announced, nor much where little came so far. */
static size_t choose_room(const struct http1_connection *connection)
{
    const struct body_reader *reader = &connection->body.reader;
    if (reader->framing == BODY_LENGTH)
        return reader->left < PIECE_BYTES ? (size_t)reader->left : PIECE_BYTES;
    return connection->is_readable ? PIECE_BYTES : HTTP1_INPUT_FIRST_BYTES;
}

/* Returns whether anything came; the client may be gone afterwards. */
static bool receive(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    size_t room_bytes, length;
    struct http1_spare *spare = &connection->front->spare;
    http1_input_widen(&connection->input, spare, choose_room(connection));
    char *room = http1_input_reserve(&connection->input, spare, connection->input.capacity, &room_bytes);
    ++body->receives;
    if (!http1_connection_receive(connection, room, room_bytes, &length))
        return false;
    http1_input_add(&connection->input, length);
    body->received_bytes += length;
    return true;
}

/* Forgets what the exchange had, now that it wants the next piece or none. */
static void take_back(struct http1_connection *connection)
{
    http1_input_consume(&connection->input, connection->body.lent_bytes);
    connection->body.lent_bytes = 0;
}

/* They are to be there before the body's last piece is. */
static void take_trailers(struct http1_connection *connection)
{
    struct exchange *exchange = connection->entry.exchange;
    struct http1_body *body = &connection->body;
    if (body->reader.is_done && body->trailers.lines.length != 0 && exchange != NULL)
        trailers_take(&exchange->request_trailers, &exchange->arena, &body->trailers);
    text_finish(&body->trailers.lines);
}

/* Makes a piece of what the input holds. The last one moves out, so that it stays while more is received. Returns false
 * where it is malformed. */
static bool make_piece(struct http1_connection *connection, struct slice *piece)
{
    struct http1_body *body = &connection->body;
    struct http1_input *input = &connection->input;
    size_t held = input_length(connection), extra;
    if (!body_reader_take(&body->reader, input->data + input->start, held, piece, &extra)) {
        body->is_broken = true;
        return false;
    }
    if (body->reader.is_done)
        take_trailers(connection);
    if (!body->reader.is_done || piece->length == 0) {
        body->lent_bytes = held - extra;
        if (piece->length == 0)
            take_back(connection);
        return true;
    }
    body->kept = http1_input_detach(input, held - extra, &body->kept_capacity);
    return true;
}

static void free_kept(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    http1_spare_give(&connection->front->spare, body->kept, body->kept_capacity);
    body->kept = NULL;
}

/* A short body comes in the same packet as its head, or right behind it. */
static void gather(struct http1_connection *connection)
{
    const struct body_reader *reader = &connection->body.reader;
    bool is_short = reader->framing == BODY_LENGTH && reader->left <= PIECE_BYTES;
    while (is_short && connection->is_readable && input_length(connection) < reader->left) {
        if (!receive(connection))
            break;
    }
}

static void init_reader(struct http1_connection *connection)
{
    const struct http1_framing *framing = &connection->framing;
    enum body_framing kind = framing->is_chunked ? BODY_CHUNKED : BODY_LENGTH;
    const struct settings *settings = connection->front->settings;
    connection->body = (struct http1_body){
        .timer = connection->body.timer,
        .trailers = {.most_bytes = (size_t)settings->head_limit_bytes,
                     .most_fields = (size_t)settings->header_limit,
                     .named = framing->named,
                     .named_count = framing->named_count},
    };
    body_reader_init(&connection->body.reader, kind, framing->content_length);
    connection->body.reader.chunked.trailers = &connection->body.trailers;
}

static struct request_refusal judge_malformed(const struct http1_body *body)
{
    if (body->trailers.is_too_large)
        return REQUEST_REFUSED(431, "the trailers are too large");
    return REQUEST_REFUSED(400, "the chunked body is malformed");
}

struct request_refusal http1_body_begin(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    struct exchange *exchange = connection->entry.exchange;
    init_reader(connection);
    if (body->reader.is_done)
        return REQUEST_ACCEPTED;
    gather(connection);
    size_t held = input_length(connection);
    bool is_whole = body->reader.framing == BODY_LENGTH && held >= body->reader.left;
    if ((is_whole || (body->reader.framing == BODY_CHUNKED && held != 0)) && !make_piece(connection, &body->first))
        return judge_malformed(body);
    if (body->reader.is_done) {
        exchange->request_body = body->first;
        return REQUEST_ACCEPTED;
    }
    exchange->streams_request = true;
    exchange->request_length = body->reader.framing == BODY_LENGTH ? (int64_t)body->reader.left : -1;
    body->owes_continue = connection->framing.expects_continue && held == 0;
    return REQUEST_ACCEPTED;
}

bool http1_body_ends_soon(const struct http1_connection *connection)
{
    const struct http1_body *body = &connection->body;
    const struct exchange *exchange = connection->entry.exchange;
    if (exchange->is_request_refused || body->is_broken)
        return false;
    if (body->reader.is_done || body->owes_continue)
        return body->reader.is_done;
    /* a server that goes on reading gets to the end, unless what it says is that it will not */
    bool is_wanted = exchange_may_pull_request(exchange) && exchange->response.status < 400;
    return is_wanted || body->reader.framing == BODY_CHUNKED || body->reader.left <= HTTP1_DRAIN_BYTES;
}

static void on_timeout(struct timer *timer);

static void await_more(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    struct loop *loop = connection->front->loop;
    socket_read(connection->socket, true);
    if (body->timer.position != 0)
        return;
    body->wait_began_ms = loop_now_ms(loop);
    body->timer.on_timeout = on_timeout;
    body->timer.data = connection;
    timer_start(loop, &body->timer,
                body_patience_ms(connection->front->settings, body->received_bytes, body->waited_ms));
    if (body->owes_continue)
        http1_sender_ask_for_body(connection);
    body->owes_continue = false;
}

static void end_wait(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    struct loop *loop = connection->front->loop;
    if (body->timer.position == 0)
        return;
    timer_stop(loop, &body->timer);
    body->waited_ms += loop_now_ms(loop) - body->wait_began_ms;
}

/* The body goes no further, and neither does the connection. */
static void fail(struct http1_connection *connection, int status, const char *reason)
{
    connection->body.is_broken = true;
    connection->body.is_pulled = false;
    connection->framing.keep_alive = false;
    front_answer_bad_body(connection->entry.exchange, status, reason);
}

static void on_timeout(struct timer *timer)
{
    struct http1_connection *connection = timer->data;
    http1_connection_enter(connection);
    if (connection->body.is_pulled && exchange_may_pull_request(connection->entry.exchange))
        fail(connection, 408, "the body did not come in time");
    http1_connection_leave(connection);
}

static void give(struct http1_connection *connection, struct slice piece)
{
    connection->body.is_pulled = false;
    /* from here on, what comes is the next request, or tells that the client has left */
    if (connection->body.reader.is_done)
        socket_read(connection->socket, true);
    exchange_request_body(connection->entry.exchange, piece, connection->body.reader.is_done);
}

/* Gives the piece that was asked for as soon as there is one. */
static void give_next(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    while (connection->socket != NULL) {
        struct slice piece;
        if (input_length(connection) == 0) {
            if (!connection->is_readable || body->receives >= MOST_RECEIVES || !receive(connection)) {
                if (connection->socket != NULL && !connection->input_ended)
                    await_more(connection);
                return;
            }
            end_wait(connection);
        }
        if (!make_piece(connection, &piece)) {
            struct request_refusal refusal = judge_malformed(body);
            fail(connection, refusal.status, refusal.reason);
            return;
        }
        if (piece.length != 0 || body->reader.is_done) {
            give(connection, piece);
            return;
        }
    }
}

void http1_body_pull(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    struct http1_body *body = &connection->body;
    struct slice first = body->first;
    http1_connection_enter(connection);
    body->is_pulled = true;
    body->first = SLICE_NONE;
    if (first.length != 0) {
        give(connection, first);
    } else {
        take_back(connection);
        give_next(connection);
    }
    http1_connection_leave(connection);
}

void http1_body_on_readable(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    connection->is_readable = true;
    body->receives = 0;
    if (body->is_broken)
        socket_read(connection->socket, false);
    else if (!exchange_may_pull_request(connection->entry.exchange))
        http1_body_discard(connection);
    else if (body->is_pulled)
        give_next(connection);
    else
        socket_read(connection->socket, false);
}

void http1_body_let_go(struct http1_connection *connection)
{
    if (connection->state != HTTP1_EXCHANGE || http1_body_is_whole(connection) || connection->body.is_broken)
        return;
    if (!exchange_may_pull_request(connection->entry.exchange) && !connection->input_ended)
        socket_read(connection->socket, true);
}

void http1_body_discard(struct http1_connection *connection)
{
    struct http1_body *body = &connection->body;
    body->first = SLICE_NONE;
    take_back(connection);
    for (body->receives = 0; !body->reader.is_done && !body->is_broken;) {
        struct slice piece;
        if (body->discarded_bytes > HTTP1_LINGER_BYTES) {
            socket_read(connection->socket, false);
            return;
        }
        if (input_length(connection) == 0 &&
            (!connection->is_readable || body->receives >= MOST_RECEIVES || !receive(connection)))
            return;
        body->discarded_bytes += input_length(connection);
        if (make_piece(connection, &piece))
            take_back(connection);
        free_kept(connection);
    }
}

void http1_body_finish(struct http1_connection *connection)
{
    timer_stop(connection->front->loop, &connection->body.timer);
    free_kept(connection);
    text_finish(&connection->body.trailers.lines);
}
