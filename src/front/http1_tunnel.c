#include "front/http1_connection.h"

static void read_on(void *end, bool is_wanted)
{
    const struct http1_connection *connection = end;
    socket_read(connection->socket, is_wanted);
}

/* What was received before the switch comes first. */
static ssize_t receive(void *end, char *buffer, size_t capacity)
{
    struct http1_connection *connection = end;
    struct slice held = http1_input_slice(&connection->input);
    if (held.length == 0)
        return socket_receive(connection->socket, buffer, capacity);
    size_t length = held.length < capacity ? held.length : capacity;
    memcpy(buffer, held.data, length);
    http1_input_consume(&connection->input, length);
    http1_input_trim(&connection->input, &connection->front->spare);
    return (ssize_t)length;
}

static void write_data(void *end, struct slice data)
{
    const struct http1_connection *connection = end;
    struct iovec piece = {.iov_base = (char *)(uintptr_t)data.data, .iov_len = data.length};
    socket_write(connection->socket, &piece, 1);
}

static void finish_writing(void *end)
{
    const struct http1_connection *connection = end;
    socket_finish_writing(connection->socket);
}

static uint64_t count_taken(void *end)
{
    const struct http1_connection *connection = end;
    return socket_taken_bytes(connection->socket);
}

static void reset(void *end)
{
    const struct http1_connection *connection = end;
    socket_reset_on_close(connection->socket);
}

struct tunnel_end http1_connection_take_over(struct dispatch_entry *entry, struct tunnel_side *side)
{
    static const struct tunnel_end_calls calls = {
        .read = read_on,
        .receive = receive,
        .write = write_data,
        .finish_writing = finish_writing,
        .taken_bytes = count_taken,
        .reset = reset,
    };
    struct http1_connection *connection = http1_connection_of(entry);
    connection->state = HTTP1_TUNNEL;
    connection->tunnel_side = side;
    /* the head with 101 is still to be written */
    return (struct tunnel_end){
        .calls = &calls,
        .end = connection,
        .is_writing = true,
        .has_received = http1_input_slice(&connection->input).length != 0,
    };
}

void http1_connection_give_back(struct dispatch_entry *entry)
{
    struct http1_connection *connection = http1_connection_of(entry);
    http1_connection_enter(connection);
    connection->tunnel_side = NULL;
    http1_connection_close(connection);
    http1_connection_leave(connection);
}

void http1_connection_on_tunnel_written(struct http1_connection *connection, bool is_ok)
{
    if (is_ok)
        http1_sender_continue(connection);
    if (is_ok && socket_is_writing(connection->socket))
        return;
    timer_stop(connection->front->loop, &connection->timer);
    tunnel_on_written(connection->tunnel_side, is_ok);
}
