#ifndef FLEXILIB_FILTER_EXCHANGE_H
#define FLEXILIB_FILTER_EXCHANGE_H

/* One request and its response on their way through a chain: a pure state machine that knows no HTTP library, no socket
 * and no clock. A front makes an exchange and feeds it; the exchange calls hooks in order and its owner through a
 * table.
 *
 * Life: create, fill `request`, start; later exactly one `finished` call tells the owner that every on_end has run;
 * then the owner destroys it. All calls are on the loop thread. Calls into the exchange from within one of the owner's
 * functions are noted and acted on when that function has returned, so they nest without growing the stack. Every call
 * may end the exchange: when it returns, `finished` may have been called and the exchange may be gone.
 *
 *   start -> request heads (chain order)
 *         -> owner->forward, or a filter's reply, or exchange_answer
 *         -> exchange_response_head -> response heads (reverse order) -> owner->send_head
 *         -> owner->pull -> exchange_response_body -> body hooks -> owner->send_body -> exchange_sent -> pull ...
 *         -> on_end (reverse order) -> owner->finished
 *
 * A request's body is at hand when the exchange starts, or comes by demand (streams_request):
 *
 *   at hand: request body hooks, then owner->forward
 *   by demand: owner->forward, then, while the response half may run already,
 *       exchange_pull_request -> owner->pull_request -> exchange_request_body -> body hooks -> owner->send_request
 *   a filter holds the head, or a handler is to answer: owner->pull_request -> exchange_request_body -> body hooks,
 *       and again, by itself */

#include "config/settings.h"
#include "filter/attributes.h"
#include "filter/headers.h"
#include "flexilib/filter.h"

struct body_pipe;
struct chain;
struct exchange;
struct runtime;

struct request_head {
    struct slice method;
    struct slice scheme;    /* "http" or "https": the client's, where a trusted proxy tells it */
    struct slice authority; /* Host, as sent */
    /* What the client calls us: Host, or what a trusted proxy says that it was. Empty: authority. */
    struct slice client_authority;
    bool has_new_authority;  /* a filter has set it */
    struct slice path;       /* canonical */
    struct slice query;      /* without "?" */
    bool has_query;          /* so that "/a?" stays "/a?" */
    struct slice raw_target; /* as sent, for the log and proxy.ini's routes */
    unsigned minor_version;  /* HTTP/1.minor; 1 where is_http2 */
    bool is_http2;
    struct headers headers;     /* end-to-end fields without Host, Content-Length and the like */
    bool takes_trailers;        /* the client says that it looks at them */
    struct slice trailer_names; /* what Trailer announces; as little a filter's business as those that come */
    /* What Upgrade asks for, as a list of tokens; empty where the front could not switch. Filters neither see nor
     * change it. */
    struct slice upgrade;
};

struct response_head {
    int status;
    struct headers headers; /* end-to-end fields without Content-Length and the like */
    /* Bytes of the body that will follow, -1 where that is not known. For HEAD and 304 what Content-Length would say.
     */
    int64_t body_length;
    struct slice upgrade;       /* with 101: the protocol that the server switches to */
    struct slice trailer_names; /* what Trailer announces */
};

/* Whom the request was forwarded to, for the access log. */
struct exchange_forwarding {
    struct slice upstream; /* empty: to nobody */
    struct slice server;   /* that has answered, or was tried last; empty: none was */
    unsigned tries;        /* servers that were asked or tried to connect to */
    bool is_answered;
    uint64_t waited_us;   /* from then until the last try began */
    uint64_t answered_us; /* from there until the response's head was there */
};

/* What is known of the TLS that the client speaks; the front's. */
struct exchange_tls {
    /* Gives a fact, empty where it is not there. It lives as long as the exchange. */
    struct slice (*find)(struct exchange_tls *tls, flexilib_tls_fact fact);
    /* Makes all facts, so that find may be called on any thread, and keeps them until release, even where the
     * connection ends before. On the loop thread. NULL, both of them: it is so anyway. */
    void (*hold)(struct exchange_tls *tls);
    void (*release)(struct exchange_tls *tls);
};

/* What an exchange asks of the world around it. */
struct exchange_owner {
    /* The request half is done and nobody answered: get a response, then call exchange_response_head, or
     * exchange_answer, or exchange_fail; also from within. */
    void (*forward)(struct exchange *exchange);
    /* An interim response (103 and the like) came ahead of the one forwarded, and is not kept. NULL: not wanted. */
    void (*send_interim)(struct exchange *exchange, const struct response_head *interim);
    /* exchange->response is final and may be put on the wire, together with what comes next. */
    void (*send_head)(struct exchange *exchange);
    /* Sends body bytes, which stay valid until exchange_sent, exchange_gone or the end; then call exchange_sent, not
     * from within. With last set nothing follows (data may be empty). Never called for a response that has no body
     * (exchange_has_body), except once with no data and last set. With 101 that comes when what was switched to ends.
     * Where exchange->pipe is set, the bytes are in it, and data tells their number alone. */
    void (*send_body)(struct exchange *exchange, struct slice data, bool last);
    /* The source of a forwarded response may deliver the next piece by one call of exchange_response_body; also from
     * within. Called for a response without a body too, which ends with an empty piece. Not called while a piece is
     * being sent, while a filter pauses, and for answers that the exchange holds itself. */
    void (*pull)(struct exchange *exchange);
    /* Nothing more is at hand just now: what send_head or send_body holds back should go out. Not called after the last
     * piece. */
    void (*flush)(struct exchange *exchange);
    /* The next piece of a request body that comes by demand is wanted: one call of exchange_request_body or
     * exchange_request_fail, also from within. */
    void (*pull_request)(struct exchange *exchange);
    /* The piece that whoever the request was forwarded to has asked for by exchange_pull_request. It stays valid until
     * the next pull_request, the last one until the end. */
    void (*send_request)(struct exchange *exchange, struct slice data, bool last);
    /* The forwarded response (or the wait for it) is of no more use. */
    void (*cancel)(struct exchange *exchange);
    /* The response cannot be completed: cut the connection so that the client notices. */
    void (*abort)(struct exchange *exchange);
    /* A pause, or work of a filter on another thread, began (true) or ended (false): a deadline may run; when it is
     * over, call exchange_deadline. Where both halves wait, it is for the wait that began first; when that ends, the
     * other one's begins anew. */
    void (*paused)(struct exchange *exchange, bool is_paused);
    /* A filter that works on another thread does not give the exchange back in time. The fresh one takes its place and
     * its owner_data; nothing more is heard of the old one. NULL: it is waited for. */
    void (*replaced)(struct exchange *exchange, struct exchange *fresh);
    /* Over: every on_end has run. The owner writes its log line and destroys the exchange, at once or later. */
    void (*finished)(struct exchange *exchange);
};

enum exchange_phase {
    EXCHANGE_NEW = 0,
    EXCHANGE_REQUEST,
    EXCHANGE_FORWARDED,
    EXCHANGE_RESPONSE_HEAD,
    EXCHANGE_RESPONSE_BODY,
    EXCHANGE_SENT,
    EXCHANGE_ENDED,
};

/* What exchanges may keep in memory whose clients are one, where it takes nothing or servers do not. */
struct exchange_room {
    size_t piece_bytes;     /* of a response's body at a time */
    size_t most_kept_bytes; /* where the next two are more in all, no more is begun to be kept in memory */
    size_t kept_bytes;      /* of requests' bodies that may have to be sent again; whoever keeps them counts them */
    size_t collected_bytes; /* of those that filters want whole */
    size_t coded_bytes;     /* what responses take that are being compressed, counted by whoever does it */
    size_t decoding_bytes;  /* what bodies take whose coding is being taken off, counted by decoding_services */
};

enum {
    EXCHANGE_TRACE_DIGITS = 32,
};

/* The parts above the line are for everybody to read and for their makers to fill; those below belong to exchange*.c,
 * core_table.c and resume.c. */
struct exchange {
    struct arena arena;
    struct request_head request;
    /* All of it, unless streams_request: then empty, until it was collected. */
    struct slice request_body;
    int64_t request_length; /* streams_request: the body's, -1 where that is not known */
    bool streams_request;   /* the body comes by demand; false again when all of it is there before it is forwarded */
    uint64_t body_limit_bytes; /* a request's body that is larger is answered 413; as made: any size */
    struct response_head response;
    /* The fields behind the bodies, complete when the last piece comes; none where a filter has made another body of
     * one. */
    struct headers request_trailers, response_trailers;
    struct slice peer_address; /* the client's: text, without port; "unix:" for a unix socket */
    uint16_t peer_port;        /* 0: not known */
    /* Like peer_address: the trusted proxy's that the connection is from. Empty: the client itself is connected. */
    struct slice proxy_address;
    /* What the client has connected to, written as peer_address is; empty where nobody wants to know. */
    struct slice local_address;
    uint16_t local_port;
    struct exchange_tls *tls; /* NULL: the connection is plain; outlives the exchange */
    /* Whose certificate the client has shown (its subject, RFC 4514); empty where it has shown none that is good. */
    struct slice client_name;
    struct slice route_name;
    struct slice id;                       /* the request id, hexadecimal */
    const struct error_pages *error_pages; /* in place of FlexiLib's own answers; NULL: none */
    struct exchange_room *room;            /* shared with others of the same connection; NULL: without bounds */
    bool takes_pipes;                      /* the front can send a piece of the body that is in a pipe */
    struct body_pipe *pipe;                /* which the piece at hand is in; NULL: in memory */
    const struct exchange_owner *owner;
    void *owner_data;
    bool is_request_refused; /* its body is too large, or its rest cannot be had */
    uint64_t response_bytes; /* body bytes handed to send_body */
    struct exchange_forwarding forwarding;
    /* Whom the request goes to: the route's, or one that a filter has chosen; NULL: the route forwards to nobody. */
    const struct upstream_settings *upstream;
    struct attributes attributes;
    char trace_digits[EXCHANGE_TRACE_DIGITS]; /* see trace.h; zero bytes until somebody has asked for them */
    /* ---- */
    struct runtime *runtime;
    const struct chain *chain;
    enum exchange_phase phase;
    struct exchange_state *state;
};

/* Makes an exchange whose arena has arena_bytes ready; recycled ones are used first. */
struct exchange *exchange_create(struct runtime *runtime, const struct exchange_owner *owner, void *owner_data);

/* Frees an exchange that is finished, or was never started. */
void exchange_destroy(struct exchange *exchange);

/* Sends the exchange along the chain, which must outlive it. The request is filled, its body is at hand or streams. May
 * call the owner. */
void exchange_start(struct exchange *exchange, const struct chain *chain);

/* A forwarded request's response: the caller has filled exchange->response (texts in the exchange's arena). */
void exchange_response_head(struct exchange *exchange);

/* An interim response of whoever the request was forwarded to. No filter sees it; it goes to the owner at once, which
 * copies what it keeps. Ignored where none is awaited. */
void exchange_interim(struct exchange *exchange, const struct response_head *interim);

/* The next piece of a forwarded response's body, after owner->pull. data stays valid until the next pull or cancel. */
void exchange_response_body(struct exchange *exchange, struct slice data, bool last);

/* Whether pieces of a forwarded response's body may come in a pipe: no filter reads them, the head tells how many bytes
 * there are, and the front takes them so. Before the head it is a guess. */
bool exchange_takes_pipe(const struct exchange *exchange);

/* The same for a piece, not the last one, that is in a pipe. */
void exchange_response_pipe(struct exchange *exchange, struct body_pipe *pipe, size_t length);

/* The next piece of the request's body, after owner->pull_request; it may be empty. It stays valid until the next
 * pull_request, the last one until the exchange is destroyed. */
void exchange_request_body(struct exchange *exchange, struct slice data, bool last);

/* The rest of the request's body will not come, or is not wanted: answers with status and text where no response has
 * begun, and cuts it otherwise. Whom the request was forwarded to is left. Harmless where nobody wants the body. */
void exchange_request_fail(struct exchange *exchange, int status, struct slice text);

/* Whom the request was forwarded to wants the next piece of its body: one call of owner->send_request, also from
 * within, unless the exchange ends otherwise. */
void exchange_pull_request(struct exchange *exchange);

/* Whether anybody may still ask the owner for more of the request's body. */
bool exchange_may_pull_request(const struct exchange *exchange);

/* Answers by FlexiLib itself, in place of a forwarded response: a status with its error page, or else a short text, as
 * body. Before any byte of a response has been sent; afterwards it is exchange_fail. */
void exchange_answer(struct exchange *exchange, int status, const char *text);

/* The error page that FlexiLib's own answer with that status has for its body, NULL where there is none. */
const struct error_page *exchange_find_page(const struct exchange *exchange, int status);

/* The forwarded response broke off: aborts where its head has been sent, otherwise answers with status (502, 504). */
void exchange_fail(struct exchange *exchange, int status);

/* The same for a time that is likely over in so many seconds, which Retry-After tells the client. */
void exchange_fail_for(struct exchange *exchange, int status, unsigned retry_after_s);

/* The front is done with what the last send_body handed it. */
void exchange_sent(struct exchange *exchange);

/* The same for an owner that compresses, from within send_body too: it can take more, and what it holds back goes out
 * with the next flush. Not for the last piece. */
void exchange_taken(struct exchange *exchange);

/* The response cannot be completed by reason of the owner: aborts it. */
void exchange_break(struct exchange *exchange);

/* The client has gone: on_end comes as soon as no hook is running, then finished. Where one is running on another
 * thread, the owner is rid of the exchange at once. Harmless when it is over already. */
void exchange_gone(struct exchange *exchange);

/* The pause, or the work on another thread, has lasted too long: the filter is blamed in the log and the answer is 504,
 * or the response is aborted. */
void exchange_deadline(struct exchange *exchange);

/* How many bytes of the request's body have come so far. */
uint64_t exchange_request_bytes(const struct exchange *exchange);

/* Whether the response may carry body bytes: not for HEAD, 101, 204 and 304 (RFC 9110 section 6.4.1). */
bool exchange_has_body(const struct exchange *exchange);

#endif
