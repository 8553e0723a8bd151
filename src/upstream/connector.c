#include "upstream/connector.h"

#include "base/error.h"
#include "tls/tls_upstream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    STARVED_MS = 20, /* until it looks again whether there is a descriptor */
};

static void try_addresses(struct connector *connector);

static void on_stray_readable(struct socket *socket, void *data)
{
}

static void on_stray_written(struct socket *socket, void *data, bool is_ok)
{
}

/* Reading is off and nothing is written before the socket has passed to its next owner. */
static const struct socket_events no_events = {.on_readable = on_stray_readable, .on_written = on_stray_written};

/* What failed is told from the loop, so that nobody hears of it from within a call of his own. */
static void report_failure_soon(struct connector *connector)
{
    connector->has_failed = true;
    timer_start(connector->loop, &connector->timer, 0);
}

/* Has the next connection try the address at hand last. */
static void avoid_address(struct connector *connector)
{
    const struct server *server = connector->server;
    if (!server->is_numeric && connector->position < connector->count)
        resolver_avoid(connector->resolver, server->settings->host, &connector->addresses[connector->position]);
}

/* The address at hand is of no use. Where somebody is there and TLS has failed, the others are left to the next
 * connection, so that the log tells of this. */
static void go_on(struct connector *connector)
{
    avoid_address(connector);
    connector->position = connector->is_securing ? connector->count : connector->position + 1;
    connector->is_securing = false;
    try_addresses(connector);
}

static void on_secured(void *data, const char *failure)
{
    struct connector *connector = data;
    struct socket *socket = connector->socket;
    timer_stop(connector->loop, &connector->timer);
    connector->socket = NULL;
    if (failure == NULL) {
        connector->is_securing = false;
        connector->on_connected(connector->data, socket, NULL, false);
        return;
    }
    snprintf(connector->reason, sizeof(connector->reason), "%s", failure);
    connector->is_timeout = false;
    socket_close(socket);
    go_on(connector);
}

/* The socket is of no use. */
static void give_socket_up(struct connector *connector, int error)
{
    timer_stop(connector->loop, &connector->timer);
    socket_close(connector->socket);
    connector->socket = NULL;
    connector->is_timeout = error == ETIMEDOUT;
    error_describe_number(error, connector->reason, sizeof(connector->reason));
    go_on(connector);
}

/* All that goes ahead of TLS and of requests is sent. */
static void secure_or_finish(struct connector *connector)
{
    struct socket *socket = connector->socket;
    timer_stop(connector->loop, &connector->timer);
    if (connector->server->tls != NULL) {
        connector->is_securing = true;
        timer_start(connector->loop, &connector->timer, connector->server->upstream->tls_timeout_ms);
        tls_peer_begin(connector->server->tls, connector->loop, socket, on_secured, connector);
        return;
    }
    connector->socket = NULL;
    connector->on_connected(connector->data, socket, NULL, false);
}

static void on_header_written(struct socket *socket, void *data, bool is_ok)
{
    struct connector *connector = data;
    socket_set_events(socket, &no_events, connector);
    if (is_ok)
        secure_or_finish(connector);
    else
        give_socket_up(connector, ECONNRESET);
}

static void send_proxy_header(struct connector *connector)
{
    static const struct socket_events events = {.on_readable = on_stray_readable, .on_written = on_header_written};
    struct proxy_header *header = &connector->proxy_header;
    proxy_header_build(connector->server->upstream->proxy_protocol, connector->exchange, header);
    struct iovec piece = {.iov_base = header->bytes, .iov_len = header->length};
    socket_set_events(connector->socket, &events, connector);
    socket_write(connector->socket, &piece, 1);
}

static void on_connected(struct socket *socket, void *data, int error)
{
    struct connector *connector = data;
    if (error != 0)
        give_socket_up(connector, error);
    else if (connector->server->upstream->proxy_protocol != PROXY_PROTOCOL_NONE)
        send_proxy_header(connector);
    else
        secure_or_finish(connector);
}

/* Where no descriptor is left, that is no fault of the server's: others will end. */
static bool wait_for_descriptor(struct connector *connector)
{
    uint64_t now_ms = loop_now_ms(connector->loop);
    if (errno != EMFILE && errno != ENFILE)
        return false;
    if (connector->starved_until_ms == 0)
        connector->starved_until_ms = now_ms + (uint64_t)connector->server->upstream->connect_timeout_ms;
    if (now_ms >= connector->starved_until_ms)
        return false;
    connector->is_starved = true;
    timer_start(connector->loop, &connector->timer, STARVED_MS);
    return true;
}

static void try_addresses(struct connector *connector)
{
    for (; connector->position < connector->count; ++connector->position) {
        const struct resolver_address *address = &connector->addresses[connector->position];
        connector->socket = socket_connect(connector->loop, (const struct sockaddr *)&address->storage, address->length,
                                           on_connected, &no_events, connector);
        if (connector->socket != NULL) {
            timer_start(connector->loop, &connector->timer, connector->server->upstream->connect_timeout_ms);
            return;
        }
        if (wait_for_descriptor(connector))
            return;
        connector->is_timeout = false;
        error_describe_number(errno, connector->reason, sizeof(connector->reason));
        avoid_address(connector);
    }
    report_failure_soon(connector);
}

static void on_resolved(void *data, const struct resolver_address *addresses, size_t count, const char *failure)
{
    struct connector *connector = data;
    timer_stop(connector->loop, &connector->timer);
    connector->query = NULL;
    if (count == 0)
        snprintf(connector->reason, sizeof(connector->reason), "its name was not resolved: %s", failure);
    for (size_t i = 0; i < count; ++i)
        connector->addresses[i] = addresses[i];
    connector->count = count;
    try_addresses(connector);
}

static void drop_attempt(struct connector *connector)
{
    if (connector->query != NULL)
        resolver_cancel(connector->query);
    connector->query = NULL;
    socket_close(connector->socket);
    connector->socket = NULL;
}

static void on_timeout(struct timer *timer)
{
    struct connector *connector = timer->data;
    if (connector->is_starved) {
        connector->is_starved = false;
        try_addresses(connector);
        return;
    }
    if (connector->has_failed) {
        connector->on_connected(connector->data, NULL, connector->reason, connector->is_timeout);
        return;
    }
    const struct upstream_settings *upstream = connector->server->upstream;
    const char *what = connector->query != NULL ? "its name was not resolved"
                       : connector->is_securing ? "no TLS handshake"
                                                : "no connection";
    snprintf(connector->reason, sizeof(connector->reason), "%s within %" PRId64 " ms", what,
             connector->is_securing ? upstream->tls_timeout_ms : upstream->connect_timeout_ms);
    connector->is_timeout = true;
    drop_attempt(connector);
    go_on(connector);
}

void connector_start(struct connector *connector, const struct server *server)
{
    connector->server = server;
    connector->timer = (struct timer){.on_timeout = on_timeout, .data = connector};
    connector->count = connector->position = 0;
    connector->has_failed = connector->is_timeout = connector->is_securing = connector->is_starved = false;
    connector->starved_until_ms = 0;
    if (server->is_numeric) {
        connector->addresses[0] = server->address;
        connector->count = 1;
        try_addresses(connector);
        return;
    }
    timer_start(connector->loop, &connector->timer, server->upstream->connect_timeout_ms);
    connector->query =
        resolver_start(connector->resolver, server->settings->host, server->settings->port, on_resolved, connector);
}

void connector_stop(struct connector *connector)
{
    if (connector->loop == NULL)
        return;
    timer_stop(connector->loop, &connector->timer);
    drop_attempt(connector);
}
