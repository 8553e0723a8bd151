#ifndef FLEXILIB_FRONT_HTTP1_CONNECTION_H
#define FLEXILIB_FRONT_HTTP1_CONNECTION_H

/* A client's HTTP/1 connection, private to the front: front_http1.c owns them, http1_connection.c reads heads and leads
 * through the states, http1_body.c reads bodies, http1_sender.c writes, http1_tunnel.c lends the socket to a tunnel,
 * http1_refusal.c answers what never becomes an exchange's business.
 *
 * Every entry from outside (an event of the socket, the timer, a call of the exchange) stands between enter and leave;
 * only the outermost leave goes on to the next state or frees the connection. So no depth of nesting and no number of
 * pipelined requests grows the stack, and nothing is freed under a caller. */

#include "dispatch/dispatch.h"
#include "front/front_http1.h"
#include "front/http1_input.h"
#include "front/http1_request.h"
#include "front/http1_writer.h"
#include "http/body_reader.h"
#include "http/http_date.h"
#include "net/socket.h"
#include "net/socket_address.h"

struct tls_facts;

enum http1_state {
    HTTP1_IDLE = 0, /* between requests: nothing of the next one is there */
    HTTP1_HEAD,     /* part of a head is there */
    HTTP1_EXCHANGE, /* the exchange runs, and has the body read as it wants it */
    HTTP1_TUNNEL,   /* it has switched to another protocol, and a tunnel has the socket */
    HTTP1_ANSWER,   /* an answer of the front itself is being written; the exchange was never started */
    HTTP1_DRAIN,    /* the response is written, the rest of a body that nobody wanted is thrown away */
    HTTP1_LINGER,   /* everything is written, what the client still sends is thrown away */
};

/* The body of the request at hand. What is received of it stands in the connection's input and is lent to the exchange
 * from there, piece by piece; while a piece is lent, nothing is received. */
struct http1_body {
    struct body_reader reader;
    struct trailer_section trailers;
    struct slice first; /* the piece that was there with the head, until it is asked for */
    size_t lent_bytes;  /* at the input's front, that go with the next pull */
    char *kept;         /* the buffer with the body's end, which lives as long as the exchange; NULL: none */
    size_t kept_capacity;
    uint64_t received_bytes;  /* since the head */
    uint64_t discarded_bytes; /* that nobody wanted */
    uint64_t waited_ms;       /* for the client, in all */
    uint64_t wait_began_ms;
    struct timer timer; /* runs while a piece is awaited */
    unsigned receives;  /* since the loop said that there is something to read */
    bool is_pulled;     /* the exchange waits for a piece */
    bool owes_continue; /* the client does not send it before it is told to */
    bool is_broken;     /* where it ends cannot be known */
};

/* An interim response that waits to be written. */
struct http1_interim {
    struct http1_interim *next;
    struct slice text;
};

/* The response being written. It goes out in the order interim ones, head, lead, rest, tail. */
struct http1_output {
    struct http1_delivery delivery;
    struct http1_interim *interim;
    struct slice head;      /* held back until a body comes or a flush */
    struct slice lead;      /* the chunk's first line, in chunk_start */
    struct slice rest;      /* of the body bytes at hand */
    struct body_pipe *pipe; /* has the body bytes at hand in place of rest; NULL: they are there */
    struct slice tail;      /* what ends the chunk and the body */
    char chunk_start[HTTP1_CHUNK_START_BYTES];
    bool has_head;    /* the exchange has given it */
    bool is_wanted;   /* the above is to go out as soon as the socket is free */
    bool is_owed;     /* the exchange waits to hear that its bytes are sent */
    bool is_last;     /* and they are the last */
    bool is_complete; /* all is in the kernel's hands */
};

struct http1_connection {
    struct front_http1 *front;
    struct http1_connection *previous, *next;
    struct socket *socket; /* NULL once it is closed; the connection lives on while its exchange does */
    const struct listener_settings *listener;
    struct tls_facts *tls; /* NULL: plain */
    struct timer timer;
    enum http1_state state;
    unsigned depth;
    bool is_finished; /* the exchange is over and has to be closed */
    bool is_readable; /* more may be there to be received */
    bool is_head_request;
    bool input_ended;
    bool may_be_http2; /* there was no request yet that says what it is */
    bool is_resting;   /* counted as such: it has had an answer, and waits for the next request */
    struct http1_input input;
    size_t head_seen;
    uint64_t lingered_bytes;
    uint64_t linger_end_ms; /* no longer than that, even if more comes */
    uint64_t taken_bytes;   /* by the client, when the timer of a write was last over */
    struct http1_framing framing;
    struct http1_body body;
    struct http1_output output;
    struct dispatch_entry entry;
    struct tunnel_side *tunnel_side; /* HTTP1_TUNNEL */
    struct socket_end *told_local;   /* where the client has connected to, as a proxy has told; NULL: to the socket */
    struct socket_end peer;
};

/* What the connections of a worker share. */
struct front_http1 {
    struct loop *loop;
    const struct settings *settings;
    struct dispatch *dispatch;
    struct tls_listeners *tls; /* NULL where no listener speaks TLS */
    struct front_http2 *http2;
    struct http1_connection *first;
    struct http1_connection *next_looked_at; /* when an idle one is wanted; NULL: the first */
    size_t count, resting_count;
    bool is_draining;
    bool is_walked;   /* from one connection to the next: no other may be closed meanwhile */
    bool notes_local; /* the exchanges' local_address: somebody wants to know it */
    void (*on_count)(void *data);
    void *data;
    struct http1_spare spare;
    struct http_date_cache date;
    struct header *fields; /* settings->header_limit, for parsing */
};

static inline struct http1_connection *http1_connection_of(struct dispatch_entry *entry)
{
    return (struct http1_connection *)((char *)entry - offsetof(struct http1_connection, entry));
}

/* Begins with an accepted socket; the front has filled who it is. */
void http1_connection_start(struct http1_connection *connection, struct socket *socket);

static inline void http1_connection_enter(struct http1_connection *connection)
{
    ++connection->depth;
}

/* The connection may be gone afterwards. */
void http1_connection_leave(struct http1_connection *connection);

static inline void http1_connection_note_rest(struct http1_connection *connection, bool is_resting)
{
    connection->front->resting_count += (size_t)is_resting - (size_t)connection->is_resting;
    connection->is_resting = is_resting;
}

/* The client is gone, or is to be: closes the socket and lets the exchange know. Between enter and leave. */
void http1_connection_lose(struct http1_connection *connection);

/* Makes the exchange for the request at hand and returns its arena. */
struct arena *http1_connection_open_exchange(struct http1_connection *connection);

/* Receives into room, and says whether anything came. The end, or an error, is acted upon. Between enter and leave. */
bool http1_connection_receive(struct http1_connection *connection, char *room, size_t capacity, size_t *length);

/* Whether a response is due, by the exchange or by the front itself. */
static inline bool http1_connection_is_answering(const struct http1_connection *connection)
{
    return connection->state == HTTP1_EXCHANGE || connection->state == HTTP1_ANSWER;
}

/* Closes the socket, which is there, and stops the timer; what belongs to the exchange stays until that is finished. */
void http1_connection_close(struct http1_connection *connection);

/* Frees the connection; front_http1.c's. */
void http1_connection_destroy(struct http1_connection *connection);

/* The exchange's view of the connection: http1_sender.c's. */
extern const struct dispatch_front http1_sender;

/* The socket is lent to the tunnel. Http1_tunnel.c's. */
struct tunnel_end http1_connection_take_over(struct dispatch_entry *entry, struct tunnel_side *side);

/* The tunnel is over, and the socket is closed with it. */
void http1_connection_give_back(struct dispatch_entry *entry);

/* A write has ended while the tunnel has the socket: one of the tunnel's, or what it has to wait for. */
void http1_connection_on_tunnel_written(struct http1_connection *connection, bool is_ok);

/* A new response: nothing of it is there yet. */
void http1_sender_reset(struct http1_connection *connection);

/* Tells the client that it may send the body, unless the response is under way. */
void http1_sender_ask_for_body(struct http1_connection *connection);

/* Writes a whole response, which lives as long as the exchange does. */
void http1_sender_answer(struct http1_connection *connection, struct slice head, struct slice body);

/* A write has ended well: goes on with what waits, and tells the exchange. */
void http1_sender_continue(struct http1_connection *connection);

enum {
    /* as much of a body that nobody wants is read, so that the connection can go on */
    HTTP1_DRAIN_BYTES = 1024 * 1024,
    /* and so much, so that the client gets to see the response before the connection ends */
    HTTP1_LINGER_BYTES = 64 * 1024 * 1024,
};

/* http1_body.c. Begins with the head's framing, and fills in what the exchange has to know of the body, all of which
 * may be there. Refuses it where what is there is malformed. */
struct request_refusal http1_body_begin(struct http1_connection *connection);

/* Whether all of it has been received, so that a next request may follow. */
static inline bool http1_body_is_whole(const struct http1_connection *connection)
{
    return connection->body.reader.is_done;
}

/* Whether the body's end will come soon enough for the connection to go on with the next request. */
bool http1_body_ends_soon(const struct http1_connection *connection);

/* The exchange's demand for the next piece. */
void http1_body_pull(struct dispatch_entry *entry);

/* There is something to read, before the body is whole and while the exchange runs. */
void http1_body_on_readable(struct http1_connection *connection);

/* Where nobody will ask for the rest, has it received and thrown away while the response is written: some clients read
 * nothing before they have sent all. */
void http1_body_let_go(struct http1_connection *connection);

/* Throws away what is there of the rest. */
void http1_body_discard(struct http1_connection *connection);

/* Frees what the exchange had of it. */
void http1_body_finish(struct http1_connection *connection);

/* Answers a request that goes no further with an error, which ends the connection, and logs why. Where there is no
 * exchange yet, makes one to carry it. */
void http1_refuse(struct http1_connection *connection, int status, const char *reason);

/* Http1_handover.c: a connection that turns out to be of HTTP/2 goes to the front for that, with what was received. */
void http1_handover(struct http1_connection *connection);

/* Whether the data may be the start of HTTP/2's preface, or the whole of it with more behind. */
bool http1_handover_finds_preface(struct slice data);

/* Hands the connection over where the preface is whole. */
bool http1_handover_take_preface(struct http1_connection *connection);

/* Answers OPTIONS *. */
void http1_answer_server_wide(struct http1_connection *connection);

#endif
