#include "front/front_http2.h"
#include "front/http1_connection.h"

/* RFC 9113 section 3.4. */
static const struct slice preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

void http1_handover(struct http1_connection *connection)
{
    struct front_http2_start start = {
        .socket = connection->socket,
        .tls = connection->tls,
        .peer = &connection->peer,
        .local = connection->told_local,
        .listener = connection->listener,
        .received = http1_input_slice(&connection->input),
    };
    connection->socket = NULL;
    connection->tls = NULL;
    connection->told_local = NULL;
    timer_stop(connection->front->loop, &connection->timer);
    front_http2_take(connection->front->http2, &start);
    http1_input_consume(&connection->input, start.received.length);
}

bool http1_handover_finds_preface(struct slice data)
{
    size_t length = data.length < preface.length ? data.length : preface.length;
    return slice_equals(slice_of(data.data, length), slice_of(preface.data, length));
}

bool http1_handover_take_preface(struct http1_connection *connection)
{
    if (http1_input_slice(&connection->input).length < preface.length)
        return false;
    http1_handover(connection);
    return true;
}
