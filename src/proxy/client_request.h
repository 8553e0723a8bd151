#ifndef FLEXILIB_PROXY_CLIENT_REQUEST_H
#define FLEXILIB_PROXY_CLIENT_REQUEST_H

/* One request of the client on its way to a server and back: what client.c, client_attempt.c and client_response.c
 * share. Nobody else includes it.
 *
 *   CONNECTING -> WAITING (request being sent, head awaited) -> BODY -> freed
 *   any of them -> FAILED -> exchange_fail in the loop's next turn -> freed
 *
 * The exchange is told things by client_response.c (head, body) and by the timer (failure), never from within a call of
 * its owner other than client_pull. */

#include "base/text.h"
#include "proxy/body_reader.h"
#include "proxy/client.h"
#include "proxy/connection.h"
#include "proxy/connector.h"
#include "proxy/health_checks.h"
#include "proxy/receive_buffer.h"

enum client_request_state {
    REQUEST_CONNECTING = 1,
    REQUEST_WAITING,
    REQUEST_BODY,
    REQUEST_FAILED,
    REQUEST_CANCELLED, /* from within a delivery, which frees it */
};

struct client {
    struct loop *loop;
    struct resolver *resolver;
    struct server_group *groups; /* one for each upstream, by its index */
    size_t group_count;
    struct health_checks *checks; /* NULL: stopped */
    struct receive_buffers buffers;
    struct client_request *spare; /* for reuse */
    size_t spare_count;
    size_t active_count;
};

struct client_request {
    struct client *client;
    struct exchange *exchange;
    const struct plan_route *route;
    void (*on_over)(struct exchange *exchange);
    struct client_request *next; /* among the spare ones */
    enum client_request_state state;
    struct timer timer; /* sending, waiting, or the failure to be told */
    int failure_status;

    struct server_group *group;
    struct server *server;
    struct tried_servers tried;
    struct connector connector;
    struct connection *connection;
    bool is_reused, is_retried;

    struct text head;
    size_t body_sent;     /* of the request's body, handed to the socket */
    uint64_t taken_bytes; /* by the server, when the timer of a write was last over */
    bool is_written;

    struct receive_buffer *buffer;
    size_t head_start, received, seen; /* in the buffer, while the head is awaited */
    unsigned interim_count;
    bool has_received; /* anything on this connection */
    bool keep_alive;

    struct body_reader body;
    struct slice pending; /* body bytes in the buffer that wait for a pull */
    uint64_t body_bytes;
    unsigned receives; /* since the loop said that there is something to read */
    bool is_pulled, is_readable, is_delivering;
};

/* Client.c: drops the connection, writes the line to the log, and has the exchange told later. */
void client_request_fail(struct client_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The line alone, for a failure that another server may make good. */
void client_request_log(const struct client_request *request, const struct server *server, const char *reason);

/* Calls on_over and frees the request: the last thing before the exchange hears the end. */
struct exchange *client_request_end(struct client_request *request);

/* Frees the request and closes what it has open. */
void client_request_free(struct client_request *request);

/* Client_attempt.c: chooses a server, connects and sends. */
void client_request_begin(struct client_request *request);

/* The connection has ended or broken before the response's head was whole: tries once more where that is safe. */
void client_request_lose(struct client_request *request, const char *reason);

/* The timer, while the head is awaited. */
void client_request_on_wait_timeout(struct client_request *request);

/* Client_response.c: bytes or the end can be read. */
void client_request_receive(struct client_request *request);

/* Hands over pieces of the body as long as they are asked for and at hand. May free the request. */
void client_request_deliver(struct client_request *request);

#endif
