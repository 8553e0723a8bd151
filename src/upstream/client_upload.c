#include "http/trailers.h"
#include "upstream/client_request.h"
#include "upstream/forward.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    /* of a request's body at a time, so that a slow but living server is told from a dead one */
    WRITE_BYTES = 256 * 1024,
    /* of a body that comes in pieces, kept so that it can be sent again */
    HELD_BYTES = 512 * 1024,
    MOST_PIECES = 5,
};

/* What one write is made of. */
struct parcel {
    struct iovec pieces[MOST_PIECES];
    size_t count;
};

static struct slice whole_body(const struct client_request *request)
{
    return request->exchange->request_body;
}

static bool is_streamed(const struct client_request *request)
{
    return request->upload.source.pull != NULL;
}

/* Only a body that is sent in chunks can have trailers. Of one that comes in pieces they come last, so that a client
 * that tells its length beforehand has to announce them too. */
static bool needs_chunks(const struct client_request *request)
{
    const struct exchange *exchange = request->exchange;
    bool may_come = is_streamed(request) && exchange->request.trailer_names.length != 0;
    bool is_length_known = !is_streamed(request) || request->upload.source.length >= 0;
    return !is_length_known || may_come || exchange->request_trailers.count != 0;
}

void client_request_stream_body(struct client_request *request, const struct client_body *body)
{
    request->upload.source = *body;
    request->upload.is_ended = body->length == 0 && !needs_chunks(request);
    request->upload.is_holding =
        client_request_may_repeat_method(request) || forward_is_idempotent(request->exchange->request.method);
}

bool client_request_can_repeat_body(const struct client_request *request)
{
    return !request->upload.is_begun || request->upload.is_holding;
}

static void add_piece(struct parcel *parcel, struct slice data)
{
    parcel->pieces[parcel->count++] = (struct iovec){.iov_base = (char *)(uintptr_t)data.data, .iov_len = data.length};
}

static struct parcel begin_parcel(struct client_request *request)
{
    struct parcel parcel = {.count = 0};
    if (request->upload.owes_head)
        add_piece(&parcel, text_slice(&request->head));
    request->upload.owes_head = false;
    return parcel;
}

static void hand_over(struct client_request *request, const struct parcel *parcel)
{
    if (request->state == REQUEST_WAITING)
        client_request_watch(request, request->group->upstream->send_timeout_ms);
    socket_write(request->connection->socket, parcel->pieces, parcel->count);
}

/* The next bytes of the body, and its end where they are the last. */
static void add_body(struct client_request *request, struct parcel *parcel, struct slice data)
{
    struct client_upload *upload = &request->upload;
    struct exchange *exchange = request->exchange;
    struct slice end = SLICE_NONE;
    if (!upload->is_chunked) {
        add_piece(parcel, data);
        return;
    }
    if (upload->is_last)
        end = trailers_write_end(&exchange->arena, &exchange->request_trailers);
    if (data.length == 0) {
        add_piece(parcel, end);
        return;
    }
    int length = snprintf(upload->chunk_line, sizeof(upload->chunk_line), "%zx\r\n", data.length);
    add_piece(parcel, slice_of(upload->chunk_line, (size_t)length));
    add_piece(parcel, data);
    add_piece(parcel, SLICE("\r\n"));
    add_piece(parcel, end);
}

/* Sends the next part of a body that is at hand as a whole. */
static void send_part(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    struct parcel parcel = begin_parcel(request);
    struct slice part = slice_skip(whole_body(request), (size_t)upload->sent);
    if (part.length > WRITE_BYTES)
        part.length = WRITE_BYTES;
    upload->sent += part.length;
    upload->is_last = upload->sent == whole_body(request).length;
    add_body(request, &parcel, part);
    hand_over(request, &parcel);
}

/* Sends the next bytes of a body that comes in pieces. */
static void send_bytes(struct client_request *request, struct slice data)
{
    struct client_upload *upload = &request->upload;
    struct parcel parcel = begin_parcel(request);
    upload->sent += data.length;
    upload->is_last = upload->is_ended && upload->sent == upload->given;
    add_body(request, &parcel, data);
    hand_over(request, &parcel);
}

void client_request_leave_room(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    if (upload->room != NULL)
        upload->room->kept_bytes -= upload->held.capacity;
    upload->room = NULL;
}

void client_request_drop_held_body(struct client_request *request)
{
    client_request_leave_room(request);
    text_finish(&request->upload.held);
}

static void hold(struct client_request *request, struct slice data)
{
    struct client_upload *upload = &request->upload;
    struct exchange_room *room = request->exchange->room;
    bool has_room = room == NULL || room->kept_bytes + room->collected_bytes < room->most_kept_bytes;
    if (!upload->is_holding || upload->held.length + data.length > HELD_BYTES || !has_room) {
        upload->is_holding = false;
        client_request_drop_held_body(request);
        return;
    }
    size_t before = upload->held.capacity;
    upload->room = room;
    text_add(&upload->held, data);
    if (room != NULL)
        room->kept_bytes += upload->held.capacity - before;
}

static void send_piece(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    upload->has_piece = false;
    hold(request, upload->piece);
    send_bytes(request, upload->piece);
}

/* Asks for the next piece. Returns false where that has ended the request. */
static bool pull(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    if (upload->is_pulled)
        return true;
    upload->is_pulled = upload->is_begun = upload->is_pulling = true;
    upload->pulled_ms = loop_now_ms(request->client->loop);
    /* how long the source may take is its own business */
    if (request->state == REQUEST_WAITING)
        client_request_watch(request, 0);
    upload->source.pull(upload->source.source, request);
    upload->is_pulling = false;
    if (request->state != REQUEST_CANCELLED)
        return true;
    client_request_free(request);
    return false;
}

/* The head waits for the first piece, if that is at hand, so that one write takes both. Not where another try has
 * failed before: whoever makes this one goes on when it has begun, while a pull may end the request. */
static void begin_stream(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    bool may_pull = !upload->is_begun && !upload->is_ended && request->tried.count == 1;
    if (may_pull && !pull(request))
        return;
    if (!upload->owes_head || request->connection == NULL)
        return;
    if (upload->held.length == 0 && upload->has_piece)
        send_piece(request);
    else
        send_bytes(request, text_slice(&upload->held));
}

void client_request_upload(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    int64_t length = is_streamed(request) ? upload->source.length : (int64_t)whole_body(request).length;
    upload->is_chunked = needs_chunks(request);
    upload->sent = upload->taken_bytes = 0;
    upload->is_written = upload->is_last = false;
    forward_build_head(request->exchange, request->route, text_slice(&request->server->host),
                       upload->is_chunked ? -1 : length, &request->head);
    upload->owes_head = true;
    request->sent_turn = loop_turn(request->client->loop);
    if (is_streamed(request))
        begin_stream(request);
    else
        send_part(request);
}

void client_request_upload_more(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    if (upload->is_last) {
        upload->is_written = true;
        if (request->state == REQUEST_WAITING)
            client_request_watch(request, request->group->upstream->response_timeout_ms);
    } else if (!is_streamed(request)) {
        send_part(request);
    } else if (upload->has_piece) {
        send_piece(request);
    } else if (upload->is_pulled) {
        if (request->state == REQUEST_WAITING)
            client_request_watch(request, 0);
    } else {
        pull(request);
    }
}

static bool can_send(const struct client_request *request)
{
    bool is_sending = request->state == REQUEST_WAITING || request->state == REQUEST_BODY;
    return is_sending && request->connection != NULL && !socket_is_writing(request->connection->socket);
}

void client_body_piece(struct client_request *request, struct slice piece, bool last)
{
    struct client_upload *upload = &request->upload;
    int64_t length = upload->source.length;
    if (!upload->is_pulled)
        return;
    client_request_forgive_wait(request);
    upload->is_pulled = false;
    uint64_t left = length >= 0 ? (uint64_t)length - upload->given : UINT64_MAX;
    if (piece.length > left || (last && length >= 0 && piece.length != left)) {
        client_body_fail(request, 500);
        return;
    }
    upload->given += piece.length;
    upload->is_ended = last || (piece.length == left && !upload->is_chunked);
    upload->piece = piece;
    upload->has_piece = true;
    if (can_send(request))
        send_piece(request);
}

void client_body_fail(struct client_request *request, int status)
{
    bool is_sending = request->connection != NULL && !request->upload.is_last;
    request->upload.is_pulled = false;
    if (!is_sending || (request->state != REQUEST_WAITING && request->state != REQUEST_BODY))
        return;
    client_request_end_try(request, request->status != 0 ? SERVER_ANSWERED : SERVER_LEFT);
    request->server = NULL;
    client_request_fail(request, status, "the request's body broke off after %" PRIu64 " bytes", request->upload.sent);
}
