#include "front/http1_connection.h"

#include "base/clock.h"

enum {
    /* As much as one write is given, so that a slow client's progress is seen. */
    WRITE_BYTES = 128 * 1024,
    UNIX_WRITE_BYTES = 16 * 1024, /* there the kernel tells of each piece as a whole */
    MOST_PIECES = 4,
};

static void gather(struct iovec *pieces, size_t *count, struct slice piece)
{
    if (piece.length != 0)
        pieces[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)piece.data, .iov_len = piece.length};
}

static void write_interim(struct http1_connection *connection)
{
    struct slice text = connection->output.interim->text;
    struct iovec piece = {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.length};
    connection->output.interim = connection->output.interim->next;
    socket_write(connection->socket, &piece, 1);
}

/* Its bytes are a part of a body whose length is known: nothing stands around them. */
static void write_pipe(struct http1_connection *connection)
{
    struct body_pipe *pipe = connection->output.pipe;
    connection->output.pipe = NULL;
    connection->output.is_wanted = false;
    socket_write_pipe(connection->socket, pipe);
}

static void write_next(struct http1_connection *connection)
{
    struct http1_output *output = &connection->output;
    struct iovec pieces[MOST_PIECES];
    size_t count = 0;
    if (output->interim != NULL) {
        write_interim(connection);
        return;
    }
    if (connection->entry.first_byte_us == 0)
        connection->entry.first_byte_us = clock_monotonic_us();
    if (output->pipe != NULL && output->head.length == 0) {
        write_pipe(connection);
        return;
    }
    struct slice part = output->rest;
    size_t most = connection->listener->is_unix ? UNIX_WRITE_BYTES : WRITE_BYTES;
    if (part.length > most)
        part.length = most;
    gather(pieces, &count, output->head);
    gather(pieces, &count, output->lead);
    gather(pieces, &count, part);
    output->head = output->lead = SLICE_NONE;
    output->rest = slice_skip(output->rest, part.length);
    output->is_wanted = output->rest.length != 0 || output->pipe != NULL;
    if (!output->is_wanted) {
        gather(pieces, &count, output->tail);
        output->tail = SLICE_NONE;
    }
    socket_write(connection->socket, pieces, count);
    http1_body_let_go(connection);
}

/* Hands over what waits, unless an earlier write is still under way: then the end of that comes here again. */
static void write_waiting(struct http1_connection *connection)
{
    const struct front_http1 *front = connection->front;
    if (connection->socket == NULL || (!connection->output.is_wanted && connection->output.interim == NULL))
        return;
    if (!socket_is_writing(connection->socket))
        write_next(connection);
    if (socket_waits_to_write(connection->socket))
        timer_start(front->loop, &connection->timer, front->settings->write_timeout_ms);
    else
        timer_stop(front->loop, &connection->timer);
}

static void add_interim(struct http1_connection *connection, struct slice text)
{
    struct http1_interim **end = &connection->output.interim;
    while (*end != NULL)
        end = &(*end)->next;
    *end = arena_alloc(&connection->entry.exchange->arena, sizeof(**end));
    **end = (struct http1_interim){.text = text};
    write_waiting(connection);
}

void http1_sender_ask_for_body(struct http1_connection *connection)
{
    if (!connection->output.has_head)
        add_interim(connection, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

void http1_sender_reset(struct http1_connection *connection)
{
    connection->output = (struct http1_output){0};
}

/* Whether the client has sent more, although it could not know which protocol it would have to speak. */
static bool has_spoken_early(const struct http1_connection *connection)
{
    bool is_read_up = http1_body_is_whole(connection) && http1_input_slice(&connection->input).length == 0;
    return connection->framing.asks_upgrade && !is_read_up;
}

/* HTTP/1.0 knows none. */
static void send_interim(struct dispatch_entry *entry, const struct response_head *interim)
{
    if (entry->exchange->request.minor_version != 0)
        add_interim(http1_connection_of(entry), http1_writer_interim(&entry->exchange->arena, interim));
}

static void send_head(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    struct front_http1 *front = connection->front;
    struct http1_output *output = &connection->output;
    struct exchange *exchange = entry->exchange;
    bool has_body = !connection->is_head_request && exchange_has_body(exchange);
    bool keep_alive = connection->framing.keep_alive && !front->is_draining && !has_spoken_early(connection) &&
                      http1_body_ends_soon(connection);
    output->has_head = true;
    output->delivery = http1_writer_plan(&exchange->response, has_body, exchange->request.minor_version, keep_alive);
    output->delivery.passes_trailers =
        output->delivery.ending == HTTP1_ENDING_CHUNKED && exchange->request.takes_trailers;
    output->head =
        http1_writer_head(&exchange->arena, &exchange->response, &output->delivery, http_date_now(&front->date));
}

static void flush(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    if (connection->output.head.length == 0)
        return;
    connection->output.is_wanted = true;
    write_waiting(connection);
}

/* A client that has seen nothing of a response on a connection which it has used before takes it for one that was
 * closed for being idle, and sends its request again. Where the head would be all of the response, it shows nothing. */
static void show_head(struct http1_connection *connection)
{
    const struct http1_output *output = &connection->output;
    struct iovec head;
    size_t count = 0;
    if (output->delivery.ending == HTTP1_ENDING_NONE || connection->entry.exchange->response.body_length == 0)
        return;
    gather(&head, &count, output->head);
    if (count != 0 && !socket_is_writing(connection->socket))
        socket_write(connection->socket, &head, count);
}

/* Closes the socket so that the client cannot take what it has for the whole response. The exchange is told a turn
 * later, unless it ends before by itself: it may be the one that called. */
static void cut_off(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    http1_connection_enter(connection);
    if (connection->socket != NULL) {
        show_head(connection);
        if (connection->output.delivery.ending != HTTP1_ENDING_CHUNKED)
            socket_reset_on_close(connection->socket);
        socket_close(connection->socket);
        connection->socket = NULL;
        timer_start(connection->front->loop, &connection->timer, 0);
    }
    http1_connection_leave(connection);
}

static struct slice write_end(const struct http1_output *output, struct exchange *exchange)
{
    if (!output->delivery.passes_trailers || exchange->response_trailers.count == 0)
        return SLICE(HTTP1_CHUNK_END HTTP1_LAST_CHUNK);
    struct slice end = trailers_write_end(&exchange->arena, &exchange->response_trailers);
    return arena_print(&exchange->arena, HTTP1_CHUNK_END "%.*s", SLICE_ARG(end));
}

static void send_body(struct dispatch_entry *entry, struct slice data, bool last)
{
    struct http1_connection *connection = http1_connection_of(entry);
    struct http1_output *output = &connection->output;
    bool is_chunked = output->delivery.ending == HTTP1_ENDING_CHUNKED;
    bool is_in_memory = output->delivery.ending != HTTP1_ENDING_NONE && entry->exchange->pipe == NULL;
    output->pipe = entry->exchange->pipe;
    output->rest = is_in_memory ? data : SLICE_NONE;
    output->lead = output->tail = SLICE_NONE;
    if (is_chunked && data.length != 0) {
        output->lead = slice_of(output->chunk_start, http1_writer_chunk_start(output->chunk_start, data.length));
        output->tail = last ? write_end(output, entry->exchange) : SLICE(HTTP1_CHUNK_END);
    } else if (is_chunked && last) {
        output->tail = slice_skip(write_end(output, entry->exchange), sizeof(HTTP1_CHUNK_END) - 1);
    }
    output->is_owed = output->is_wanted = true;
    output->is_last = last;
    write_waiting(connection);
}

void http1_sender_answer(struct http1_connection *connection, struct slice head, struct slice body)
{
    connection->output.head = head;
    connection->output.rest = body;
    connection->output.is_wanted = connection->output.is_owed = connection->output.is_last = true;
    write_waiting(connection);
}

void http1_sender_continue(struct http1_connection *connection)
{
    struct http1_output *output = &connection->output;
    write_waiting(connection);
    if (socket_is_writing(connection->socket) || !http1_connection_is_answering(connection))
        return;
    timer_stop(connection->front->loop, &connection->timer);
    if (!output->is_owed)
        return;
    output->is_owed = false;
    if (output->is_last) {
        output->is_complete = true;
        connection->entry.last_byte_us = clock_monotonic_us();
    }
    if (connection->state == HTTP1_ANSWER)
        connection->is_finished = true;
    else
        dispatch_sent(&connection->entry);
}

static void finished(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    http1_connection_enter(connection);
    connection->is_finished = true;
    http1_connection_leave(connection);
}

const struct dispatch_front http1_sender = {
    .send_head = send_head,
    .send_body = send_body,
    .flush = flush,
    .abort = cut_off,
    .send_interim = send_interim,
    .pull_request = http1_body_pull,
    .take_over = http1_connection_take_over,
    .give_back = http1_connection_give_back,
    .finished = finished,
};
