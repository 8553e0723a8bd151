#include "upstream/client_request.h"

#include <string.h>

static void on_readable(void *user)
{
    tunnel_on_readable(user);
}

static void on_written(void *user, bool is_ok)
{
    tunnel_on_written(user, is_ok);
}

static struct socket *socket_of(void *end)
{
    const struct client_request *request = end;
    return request->connection->socket;
}

static void read_on(void *end, bool is_wanted)
{
    socket_read(socket_of(end), is_wanted);
}

/* What came behind the response's head comes first. */
static ssize_t receive(void *end, char *buffer, size_t capacity)
{
    struct client_request *request = end;
    if (request->pending.length == 0)
        return socket_receive(socket_of(end), buffer, capacity);
    size_t length = request->pending.length < capacity ? request->pending.length : capacity;
    memcpy(buffer, request->pending.data, length);
    request->pending = slice_skip(request->pending, length);
    if (request->pending.length == 0) {
        receive_buffer_give(&request->client->buffers, request->buffer);
        request->buffer = NULL;
    }
    return (ssize_t)length;
}

static void write_data(void *end, struct slice data)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)data.data, .iov_len = data.length};
    socket_write(socket_of(end), &piece, 1);
}

static void finish_writing(void *end)
{
    socket_finish_writing(socket_of(end));
}

static uint64_t count_taken(void *end)
{
    return socket_taken_bytes(socket_of(end));
}

static void reset(void *end)
{
    socket_reset_on_close(socket_of(end));
}

struct tunnel_end client_take_over(struct client_request *request, struct tunnel_side *side)
{
    static const struct connection_events events = {.on_readable = on_readable, .on_written = on_written};
    static const struct tunnel_end_calls calls = {
        .read = read_on,
        .receive = receive,
        .write = write_data,
        .finish_writing = finish_writing,
        .taken_bytes = count_taken,
        .reset = reset,
    };
    request->connection->events = &events;
    request->connection->user = side;
    return (struct tunnel_end){
        .calls = &calls,
        .end = request,
        .is_writing = socket_is_writing(request->connection->socket),
        .has_received = request->pending.length != 0,
    };
}
