#ifndef FLEXILIB_FRONT_HTTP2_CONNECTION_H
#define FLEXILIB_FRONT_HTTP2_CONNECTION_H

/* A client's HTTP/2 connection, private to the front: front_http2.c owns them, http2_connection.c has the socket, the
 * clock and the end, http2_session.c hears what libnghttp2 has understood, http2_stream.c leads a stream through its
 * request, http2_body.c has its body, http2_sender.c writes, http2_tunnel.c lends a stream to a tunnel, http2_guard.c
 * counts what no client should do so often.
 *
 * Every entry from outside (an event of the socket, a timer) stands between enter and leave. What it leads to is noted
 * on the streams that it concerns, which become due; only the outermost leave works on those, and has libnghttp2 write.
 * So libnghttp2 is never called back into, nothing is freed under a caller, and a request that is withdrawn by the
 * bytes behind it is never begun. Calls of exchanges note what they want and poke the connection. */

#include "base/text.h"
#include "dispatch/dispatch.h"
#include "front/front_http2.h"
#include "front/http2_guard.h"
#include "front/http2_memory.h"
#include "front/http2_request.h"
#include "http/http_date.h"
#include "net/socket.h"

#include <netinet/in.h>

struct nghttp2_session;

enum {
    HTTP2_MOST_STREAMS = 100,              /* at once, on one connection */
    HTTP2_STREAM_WINDOW_BYTES = 128 << 10, /* of a request's body */
    HTTP2_WINDOW_BYTES = 256 << 10,        /* of all bodies of a connection */
    HTTP2_HEADS_BYTES = 448 << 10,         /* of the heads of all its requests, unpacked */
    HTTP2_OUT_BYTES = 64 << 10,            /* from here on nothing more is made ready to be written */
    HTTP2_INPUT_BYTES = 32 << 10,          /* received at once */
};

enum http2_stream_state {
    HTTP2_STREAM_HEAD = 0, /* fields come */
    HTTP2_STREAM_READY,    /* the head is judged, and may be followed by the body: the exchange can start */
    HTTP2_STREAM_EXCHANGE, /* the exchange runs, and has the body as it wants it */
    HTTP2_STREAM_ANSWER,   /* an answer of the front itself is being written; the exchange was never started */
};

/* The body of a request. The client may send more only when what it has sent was used, so the window of flow control is
 * all that is ever kept. */
struct http2_body {
    struct text in;     /* received and not asked for */
    struct text lent;   /* the piece that the exchange has, or that a tunnel takes from */
    size_t taken_bytes; /* of lent, by a tunnel */
    size_t held_bytes;  /* received, while the client may not send as much again */
    uint64_t received_bytes;
    uint64_t waited_ms; /* for the client, in all */
    uint64_t wait_began_ms;
    struct timer timer; /* runs while a piece is awaited */
    bool is_pulled;     /* the exchange waits for a piece */
    bool owes_continue; /* the client does not send it before it is told to */
};

struct http2_stream {
    struct http2_connection *connection;
    struct http2_stream *previous, *next;
    struct http2_stream *next_due;
    bool is_due;
    int32_t id;
    enum http2_stream_state state;
    bool is_open;          /* libnghttp2 knows it */
    bool is_request_over;  /* the client has ended its half */
    bool is_response_over; /* so have we ours */
    bool is_head_request;
    bool is_delayed;  /* too many before it have come to nothing */
    bool has_head;    /* of the response, given to libnghttp2 */
    bool has_body;    /* bytes of the response's body may follow its head */
    bool is_cut;      /* the response cannot be completed */
    bool is_finished; /* the exchange is over and has to be closed */
    bool has_logged_refusal;
    bool is_too_much;                /* with it the heads of all streams would be */
    bool owes_end;                   /* and the stream's end waits to be sent nevertheless */
    struct tunnel_side *tunnel_side; /* NULL where no tunnel has the stream */
    bool wants_input;                /* the tunnel does, as soon as there is any */
    uint64_t sent_bytes;             /* of the body */
    struct http2_fields fields;
    struct http2_framing framing;
    struct http2_fields trailers; /* counted alone: the list stays empty */
    struct http2_body body;
    struct timer timer;
    /* The piece of the response's body at hand. */
    struct slice rest;
    bool is_held;       /* it waits for the client, in piece_bytes of memory at most */
    size_t piece_bytes; /* as many as any piece of the stream could have had */
    bool is_owed;       /* the exchange waits to hear that it is sent */
    bool is_last;
    uint64_t seen_data_bytes; /* of the connection, when the timer was last over */
    struct dispatch_entry entry;
};

enum http2_wait {
    HTTP2_WAIT_NOTHING = 0,
    HTTP2_WAIT_HEAD, /* for the rest of a head, or the first one */
    HTTP2_WAIT_IDLE, /* for the next request */
};

struct http2_connection {
    struct front_http2 *front;
    struct http2_connection *previous, *next;
    struct socket *socket; /* NULL once it is closed; the connection lives on while its streams do */
    struct tls_facts *tls; /* NULL: plain */
    const struct listener_settings *listener;
    struct nghttp2_session *session;
    struct http2_memory memory; /* the session's */
    struct http2_stream *first;
    struct http2_stream *first_due, *last_due;
    unsigned depth;
    bool is_reading_head; /* between a HEADERS frame and the end of its fields */
    bool has_had_streams;
    bool is_ending;          /* nothing of the client counts any more: GOAWAY is on its way */
    bool is_lingering;       /* everything is written, what the client still sends is thrown away */
    bool is_dismissed;       /* it was idle, and another was to have its place */
    bool is_told_to_leave;   /* the first GOAWAY of a drain was sent */
    bool is_sent_away;       /* and the second one */
    bool has_logged_refusal; /* of something in what was received last */
    uint32_t refused_frames;
    enum http2_wait wait;
    uint64_t lingered_bytes;
    uint64_t taken_bytes; /* by the client, when the timer of a write was last over */
    uint64_t data_bytes;  /* of bodies made ready to be written */
    size_t head_bytes;    /* of the requests at hand, and of their trailers */
    size_t running_count; /* of streams whose exchange was started */
    size_t delayed_count; /* of those that wait to be started */
    size_t waiting_bytes; /* of memory that holds pieces of responses */
    struct exchange_room room;
    struct text out, sending;
    struct timer wait_timer, write_timer, poke_timer, leave_timer, delay_timer;
    struct http2_guard guard;
    struct socket_end *told_local; /* where the client has connected to, as a proxy has told; NULL: to the socket */
    struct socket_end peer;
};

/* What the connections of a worker share. */
struct front_http2 {
    struct loop *loop;
    const struct settings *settings;
    struct dispatch *dispatch;
    struct tls_listeners *tls; /* NULL where no listener speaks TLS */
    struct http2_connection *first;
    struct http2_connection *next_looked_at; /* when an idle one is wanted; NULL: the first */
    size_t count, resting_count;             /* the latter are at HTTP2_WAIT_IDLE */
    bool is_draining;
    bool is_walked;   /* from one connection to the next: no other may be closed meanwhile */
    bool notes_local; /* the exchanges' local_address: somebody wants to know it */
    void (*on_count)(void *data);
    void *data;
    struct http_date_cache date;
    struct http2_regions regions;
    uint64_t offender_count;
    char input[HTTP2_INPUT_BYTES];
};

static inline struct http2_stream *http2_stream_of(struct dispatch_entry *entry)
{
    return (struct http2_stream *)((char *)entry - offsetof(struct http2_stream, entry));
}

/* Begins with a socket; the front has filled who it is. */
void http2_connection_start(struct http2_connection *connection, struct slice received);

static inline void http2_connection_enter(struct http2_connection *connection)
{
    ++connection->depth;
}

/* The connection may be gone afterwards. */
void http2_connection_leave(struct http2_connection *connection);

/* Has what an exchange has added written, and the streams worked on that are due: by the outermost leave, or later in
 * this turn of the loop (in the next one, when called by a timer). */
void http2_connection_poke(struct http2_connection *connection);

/* Works on the streams that are due, in a later turn. */
void http2_connection_work_soon(struct http2_connection *connection);

/* Closes the socket; the streams become due, to let go of their exchanges. */
void http2_connection_lose(struct http2_connection *connection);

/* Nothing of what the client has sent, or sends, counts any more: GOAWAY goes out, and the connection ends. */
void http2_connection_give_up(struct http2_connection *connection);

/* Ends the connection of a client that does what no client should, and logs it. */
void http2_connection_blame(struct http2_connection *connection, const char *complaint);

/* The same where the guard has a complaint. */
void http2_connection_check_guard(struct http2_connection *connection);

/* Asks the client to leave; and has it leave when it must have heard of it. */
void http2_connection_drain(struct http2_connection *connection);
void http2_connection_finish_drain(struct http2_connection *connection);
/* Resets the streams with a request that began before that time, and is no tunnel. Returns how many. */
size_t http2_connection_cut_requests(struct http2_connection *connection, uint64_t began_before_us);

/* Frees the connection; front_http2.c's. */
void http2_connection_destroy(struct http2_connection *connection);

/* http2_session.c */

/* Makes libnghttp2's part, with the settings that the client gets first. */
void http2_session_create(struct http2_connection *connection);
void http2_session_destroy(struct http2_connection *connection);

/* Takes what was received. Returns false where libnghttp2 does not go on. */
bool http2_session_take(struct http2_connection *connection, struct slice data);

/* Whether both sides have said all. */
bool http2_session_is_over(const struct http2_connection *connection);

/* http2_stream.c */

/* A stream that the client has begun. */
struct http2_stream *http2_stream_open(struct http2_connection *connection, int32_t id);

/* What came for it: a field, the end of the head. */
void http2_stream_add_field(struct http2_stream *stream, const struct header *field);
void http2_stream_end_head(struct http2_stream *stream);

/* A field behind the body. Returns false where it is malformed. */
bool http2_stream_add_trailer(struct http2_stream *stream, const struct header *field);

/* Notes that there is something to do. */
void http2_stream_make_due(struct http2_stream *stream);

/* Streams that were delayed may be started now. */
void http2_stream_retry_delayed(struct http2_connection *connection);

/* Does it; the stream may be gone afterwards. From leave only. */
void http2_stream_work(struct http2_stream *stream);

/* http2_body.c: tells the exchange of the body, right before it starts. */
void http2_body_begin(struct http2_stream *stream);

/* What came of it. */
void http2_body_add(struct http2_stream *stream, struct slice data);

/* Gives the exchange the piece that it waits for, where there is one. */
void http2_body_give(struct http2_stream *stream);

/* The exchange's demand for the next piece. */
void http2_body_pull(struct dispatch_entry *entry);

/* Copies what came to where a tunnel wants it. Returns how many bytes: 0 where there are none. */
size_t http2_body_take(struct http2_stream *stream, char *buffer, size_t capacity);
bool http2_body_is_empty(const struct http2_stream *stream);

/* Frees what there is of it. */
void http2_body_finish(struct http2_stream *stream);

/* http2_sender.c */

/* The exchange's view of the stream. */
extern const struct dispatch_front http2_sender;

/* Sends a head with 100, so that the client sends the body. */
void http2_sender_ask_for_body(struct http2_stream *stream);

/* Writes a whole response, which lives as long as the exchange does. */
void http2_sender_answer(struct http2_stream *stream, struct slice body);

/* Ends the stream before its time. */
void http2_sender_reset(struct http2_stream *stream, uint32_t error_code);

/* Has data written, which stays valid until the stream is worked on for it. */
void http2_sender_give_data(struct http2_stream *stream, struct slice data, bool last);

/* The answer to CONNECT where a server has switched to what the client wants (RFC 8441 section 5). */
void http2_sender_switch(struct http2_stream *stream);

/* How large the next piece may be that any stream of the connection is given, and how much of requests' bodies may be
 * kept, beside all else that is in memory. */
void http2_sender_choose_pieces(struct http2_connection *connection);

/* The piece at hand does not wait any more. */
void http2_sender_release(struct http2_stream *stream);

/* The response's head as it is, and no body. */
void http2_sender_refuse(struct http2_stream *stream);

/* Makes length bytes of the stream's body ready to be written. */
void http2_sender_take_data(struct http2_stream *stream, size_t length);

/* The stream's time for taking more is over: resets it where it is the client that does not. */
void http2_sender_check_progress(struct http2_stream *stream);

/* Has libnghttp2 make ready what may go out, up to a limit; and gives it to the socket. */
void http2_sender_collect(struct http2_connection *connection);
void http2_sender_write(struct http2_connection *connection);

/* http2_tunnel.c */

/* The head of the response to a request for a WebSocket. */
void http2_tunnel_send_head(struct http2_stream *stream);

/* The stream is lent to the tunnel. */
struct tunnel_end http2_tunnel_take_over(struct dispatch_entry *entry, struct tunnel_side *side);

/* Tells the tunnel what has happened; it may be over afterwards. */
void http2_tunnel_work(struct http2_stream *stream);

/* The tunnel is over, and the stream with it. */
void http2_tunnel_give_back(struct dispatch_entry *entry);

#endif
