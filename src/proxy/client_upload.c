#include "proxy/client_request.h"
#include "proxy/forward.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    /* of a request's body at a time, so that a slow but living server is told from a dead one */
    WRITE_BYTES = 256 * 1024,
};

static struct slice whole_body(const struct client_request *request)
{
    return request->exchange->request_body;
}

static bool is_streamed(const struct client_request *request)
{
    return request->upload.source.pull != NULL;
}

bool client_request_can_repeat_body(const struct client_request *request)
{
    return !request->upload.is_begun;
}

static void hand_over(struct client_request *request, const struct iovec *pieces, size_t count)
{
    if (request->state == REQUEST_WAITING)
        client_request_watch(request, request->route->upstream->send_timeout_ms);
    socket_write(request->connection->socket, pieces, count);
}

static struct iovec piece_of(struct slice data)
{
    return (struct iovec){.iov_base = (char *)data.data, .iov_len = data.length};
}

/* Takes the next part of a body that is at hand as a whole. */
static struct slice take_part(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    struct slice part = slice_skip(whole_body(request), (size_t)upload->sent);
    if (part.length > WRITE_BYTES)
        part.length = WRITE_BYTES;
    upload->sent += part.length;
    upload->is_last = upload->sent == whole_body(request).length;
    return part;
}

void client_request_upload(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    int64_t length = is_streamed(request) ? upload->source.length : (int64_t)whole_body(request).length;
    upload->sent = upload->taken_bytes = 0;
    upload->is_written = upload->is_pulled = false;
    forward_build_head(request->exchange, request->route, text_slice(&request->server->host), length, &request->head);
    struct iovec pieces[2] = {piece_of(text_slice(&request->head))};
    if (is_streamed(request))
        upload->is_last = length == 0;
    else
        pieces[1] = piece_of(take_part(request));
    request->sent_turn = loop_turn(request->client->loop);
    hand_over(request, pieces, 2);
}

static void pull(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    upload->is_pulled = upload->is_begun = true;
    /* how long the source may take is its own business */
    if (request->state == REQUEST_WAITING)
        client_request_watch(request, 0);
    upload->source.pull(upload->source.source);
}

void client_request_upload_more(struct client_request *request)
{
    struct client_upload *upload = &request->upload;
    if (upload->is_last) {
        upload->is_written = true;
        if (request->state == REQUEST_WAITING)
            client_request_watch(request, request->route->upstream->response_timeout_ms);
    } else if (is_streamed(request)) {
        pull(request);
    } else {
        struct iovec piece = piece_of(take_part(request));
        hand_over(request, &piece, 1);
    }
}

static void send_chunk(struct client_request *request, struct slice piece)
{
    struct client_upload *upload = &request->upload;
    struct iovec pieces[3];
    size_t count = 0;
    if (piece.length != 0) {
        int length = snprintf(upload->chunk_line, sizeof(upload->chunk_line), "%zx\r\n", piece.length);
        pieces[count++] = (struct iovec){.iov_base = upload->chunk_line, .iov_len = (size_t)length};
        pieces[count++] = piece_of(piece);
        pieces[count++] = piece_of(upload->is_last ? SLICE("\r\n0\r\n\r\n") : SLICE("\r\n"));
    } else if (upload->is_last) {
        pieces[count++] = piece_of(SLICE("0\r\n\r\n"));
    }
    hand_over(request, pieces, count);
}

void client_body_piece(struct client_request *request, struct slice piece, bool last)
{
    struct client_upload *upload = &request->upload;
    int64_t length = upload->source.length;
    if (!upload->is_pulled || request->connection == NULL)
        return;
    upload->is_pulled = false;
    uint64_t left = length >= 0 ? (uint64_t)length - upload->sent : UINT64_MAX;
    if (piece.length > left || (last && length >= 0 && piece.length != left)) {
        client_body_fail(request, 500);
        return;
    }
    upload->sent += piece.length;
    upload->is_last = last || piece.length == left;
    struct iovec whole = piece_of(piece);
    if (length >= 0)
        hand_over(request, &whole, 1);
    else
        send_chunk(request, piece);
}

void client_body_fail(struct client_request *request, int status)
{
    bool is_sending = request->connection != NULL && !request->upload.is_last;
    if (!is_sending || (request->state != REQUEST_WAITING && request->state != REQUEST_BODY))
        return;
    client_request_end_try(request, request->status != 0 ? SERVER_ANSWERED : SERVER_LEFT);
    request->server = NULL;
    client_request_fail(request, status, "the request's body broke off after %" PRIu64 " bytes", request->upload.sent);
}
