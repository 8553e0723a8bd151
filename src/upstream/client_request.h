#ifndef FLEXILIB_UPSTREAM_CLIENT_REQUEST_H
#define FLEXILIB_UPSTREAM_CLIENT_REQUEST_H

/* One request of the client on its way to a server and back: what client*.c share. Nobody else includes it.
 *
 *   QUEUED -> CONNECTING -> WAITING (request being sent, head awaited) -> BODY or SWITCHED -> freed
 *   CONNECTING, WAITING -> QUEUED, CONNECTING or WAITING: another try
 *   any of them -> FAILED -> exchange_fail in the loop's next turn -> freed
 *
 * The exchange is told things by client_response.c (head, body) and by the timer (failure), never from within a call of
 * its owner other than client_pull.
 *
 * A try begins when a server has been chosen for it (server_begin) and ends exactly once (server_end): when the
 * response's last byte is there, or the connection is dropped. What is thought of the server is clear at the response's
 * head, unless the rest of that is there too: streams and tunnels may last for days. */

#include "base/text.h"
#include "http/body_reader.h"
#include "net/body_pipe.h"
#include "net/failure_log.h"
#include "net/receive_buffer.h"
#include "upstream/client.h"
#include "upstream/connection.h"
#include "upstream/connector.h"
#include "upstream/health_checks.h"
#include "upstream/retry_budget.h"
#include "upstream/upstream_queue.h"

enum client_request_state {
    REQUEST_QUEUED = 1, /* no server has room */
    REQUEST_CONNECTING,
    REQUEST_WAITING,
    REQUEST_BODY,
    REQUEST_SWITCHED, /* to another protocol: the connection waits for its tunnel, or is lent to it */
    REQUEST_FAILED,
    REQUEST_CANCELLED, /* from within a delivery or a pull, which frees it */
};

/* Why a try has come to nothing. */
enum client_loss {
    LOSS_FAILURE = 1, /* the connection ended or broke, or what came was no response */
    LOSS_TIMEOUT,
};

/* What the client keeps of an upstream besides its servers. */
struct client_upstream {
    struct upstream_queue queue;
    struct retry_budget budget;
    struct failure_log failures; /* for which no server is to blame */
    struct upstream_metrics metrics;
};

struct client {
    struct loop *loop;
    struct resolver *resolver;
    struct server_group *groups;       /* one for each upstream, by its index */
    struct client_upstream *upstreams; /* the same */
    size_t group_count;
    struct health_checks *checks; /* NULL: stopped */
    struct receive_buffers buffers;
    struct body_pipes pipes;
    struct client_request *spare; /* for reuse */
    size_t spare_count;
    size_t active_count;
};

enum {
    CHUNK_LINE_BYTES = sizeof("ffffffffffffffff\r\n"),
};

/* The request's own way to the server. */
struct client_upload {
    struct client_body source; /* pull is NULL where the exchange has the body as a whole */
    uint64_t sent;             /* of the body, handed to the socket in this try */
    uint64_t taken_bytes;      /* by the server, when the timer of a write was last over */
    bool is_chunked;           /* its length is not told */
    bool owes_head;            /* it is to go out with the body's first bytes */
    bool is_last;              /* nothing follows what was handed to the socket */
    bool is_written;           /* all is in the kernel's hands */

    /* Where the body comes in pieces, over all tries. */
    uint64_t given;     /* by the source */
    bool is_begun;      /* pieces have been asked for, and the source gives each but once */
    bool is_pulled;     /* the source owes a piece */
    uint64_t pulled_ms; /* since then */
    bool is_pulling;    /* and its pull is running */
    bool is_ended;      /* it has given the last one */
    bool is_holding;    /* held is all that was handed to a socket, so it can be sent again */
    bool has_piece;     /* that waits to be handed to the socket */
    struct slice piece; /* the source's last one */
    struct text held;
    struct exchange_room *room; /* where held is counted; NULL: nowhere */
    char chunk_line[CHUNK_LINE_BYTES];
};

struct client_request {
    struct client *client;
    struct exchange *exchange;
    const struct plan_route *route;
    void (*on_over)(struct exchange *exchange);
    struct client_request *next; /* among the spare ones */
    enum client_request_state state;
    struct timer timer;                              /* of the nearest deadline, or the failure to be told */
    uint64_t phase_due_ms, try_due_ms, total_due_ms; /* 0: none */
    uint64_t began_us, try_began_us;                 /* for the access log */
    int failure_status;
    unsigned retry_after_s; /* the failure says when to come again */

    struct server_group *group;
    struct client_upstream *upstream;
    struct queue_place place;
    struct server *server; /* of the try at hand, or the last one; NULL before the first */
    struct tried_servers tried;
    uint32_t refused; /* bit i: no connection to tried.items[i] came about */
    uint32_t tries;   /* sent to a server, but for those that met a stale connection */
    struct connector connector;
    struct connection *connection;
    bool is_begun;               /* server_end is due */
    bool is_judged;              /* by the response's head */
    uint32_t failures_if_broken; /* where it is judged */
    bool is_counted;             /* server_connection_closed is due for what the connector does */
    bool is_reused, is_retried;

    struct text head;
    struct client_upload upload;
    uint64_t sent_turn; /* the loop's, in which sending began */

    struct receive_buffer *buffer;
    struct body_pipe *pipe;            /* that the rest of the body goes through; NULL: through the buffer */
    size_t head_start, received, seen; /* in the buffer, while the head is awaited */
    unsigned interim_count;
    size_t interim_bytes; /* of their heads */
    bool has_received;    /* anything on this connection */
    bool keep_alive;
    int status; /* of the response; 0 before it is there */

    struct body_reader body;
    struct trailer_section trailers;
    struct slice pending; /* body bytes in the buffer that wait for a pull */
    uint64_t body_bytes;
    unsigned receives; /* since the loop said that there is something to read */
    bool is_pulled, is_readable, is_delivering;
};

/* client.c */

/* Drops the connection, writes the line to the log, and has the exchange told later. */
void client_request_fail(struct client_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The line alone, for a failure that another server may make good. server is NULL where none is to blame. */
void client_request_log(const struct client_request *request, struct server *server, const char *reason);

/* Ends the try at hand, if there is one: its connection, and what it counts for at the server. */
void client_request_end_try(struct client_request *request, enum server_outcome outcome);

/* The response's head is there, and the rest is not. */
void client_request_judge(struct client_request *request);

/* Calls on_over and frees the request: the last thing before the exchange hears the end. */
struct exchange *client_request_end(struct client_request *request);

/* Frees the request and closes what it has open. */
void client_request_free(struct client_request *request);

/* client_attempt.c: servers, connections, the queue */

/* The first try: sends the request, has it wait for a server, or fails it. */
void client_request_begin(struct client_request *request);

/* Another try on a new connection to the same server. */
void client_request_reconnect(struct client_request *request);

/* Another try, after one that has ended with that outcome, at another server where there is one. Returns false, with
 * nothing changed, where no server can be had, or only by waiting although may_wait is false. */
bool client_request_go_elsewhere(struct client_request *request, enum server_outcome outcome, bool may_wait);

/* client_retry.c: what has failed */

/* Whether the upstream's settings allow the method to be sent twice. */
bool client_request_may_repeat_method(const struct client_request *request);

/* The try has come to nothing before the exchange has heard of a response: another one is made where that is safe and
 * allowed, or the request fails. */
void client_request_lose(struct client_request *request, enum client_loss loss, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A response with that status, whose head is all that was looked at: makes another try instead where the upstream's
 * settings ask for that, and returns whether it did. */
bool client_request_replace_response(struct client_request *request, int status);

/* client_deadline.c */

/* A new phase begins, which has so much time; 0: as long as it takes. */
void client_request_watch(struct client_request *request, int64_t timeout_ms);

/* The source's piece is there, or the response: what was waited for the piece does not count for the deadlines of the
 * try and of all tries, unless the response had begun. */
void client_request_forgive_wait(struct client_request *request);

/* The timer's on_timeout. */
void client_request_on_timeout(struct timer *timer);

/* client_upload.c: sends the request */

/* The body comes from there: before the first try. */
void client_request_stream_body(struct client_request *request, const struct client_body *body);

void client_request_upload(struct client_request *request);

/* What was handed to the socket is in the kernel's hands. */
void client_request_upload_more(struct client_request *request);

/* What is kept of the body counts no longer in the room of the exchange, which may be about to go. */
void client_request_leave_room(struct client_request *request);

/* Nothing of the body is kept any more to be sent again. */
void client_request_drop_held_body(struct client_request *request);

/* The body can be sent once more, from its beginning. */
bool client_request_can_repeat_body(const struct client_request *request);

/* client_response.c */

/* Bytes or the end can be read. */
void client_request_receive(struct client_request *request);

/* Hands over pieces of the body as long as they are asked for and at hand. May free the request. */
void client_request_deliver(struct client_request *request);

#endif
