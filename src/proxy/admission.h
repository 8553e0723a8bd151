#ifndef FLEXILIB_PROXY_ADMISSION_H
#define FLEXILIB_PROXY_ADMISSION_H

/* Whether this worker accepts the next connection: it may be a sibling's turn (accept_share.h), `max_connections` may
 * be reached (client_limits.h), or descriptors may be running short. In the last two cases idle connections make room:
 * of clients, and where it is descriptors, those to servers first. Where there are none, connections wait in the
 * kernel's queue, at no cost, until some other connection ends.
 *
 * A client's request may need another descriptor, for a server or a file. As many are kept free as there are clients
 * that have one under way or may be about to send their first, and some more, so that who was accepted can be served.
 * Nothing is kept for clients that have had an answer and rest: when one of them begins another request, others that
 * rest make room as for a new connection. */

#include "front/front_http1.h"
#include "front/front_http2.h"
#include "listen/client_limits.h"
#include "listen/listener.h"
#include "upstream/client.h"

struct accept_share;

struct admission {
    struct loop *loop;
    struct client_limits *limits;
    struct front_http1 *front;
    struct front_http2 *http2;
    struct client *client;
    struct accept_share *share;                /* NULL: alone */
    size_t most_descriptors, used_descriptors; /* allowed, and in use beside the loop's sockets */
    struct http1_connection *leaving;          /* makes room for the one that is about to be accepted; NULL: none */
    bool is_full;                              /* connections wait for room, not for their turn */
    uint64_t full_ms, short_ms;                /* when it was so last; 0: never */
};

/* Looks how many descriptors there may be, and are, before the first connection. */
void admission_begin(struct admission *admission);

/* What to do with a connection that waits on the listener. */
enum listener_turn admission_decide(struct admission *admission, const struct listener_settings *listener);

/* A request begins: where descriptors are short, idle connections make room. */
void admission_request_begins(struct admission *admission);

/* A connection was accepted, after a decision for it; or there was none any more. */
void admission_accepted(struct admission *admission);
void admission_missed(struct admission *admission);

/* Closes a connection that rests, so that another descriptor can be had at once. Returns false where there is none. */
bool admission_free_descriptor(struct admission *admission);

/* In a worker that accepts no more: closes an idle connection of the listener, or of any where that is NULL, if new
 * ones wait at its limit for other workers to accept them. */
void admission_yield(struct admission *admission, const struct listener_settings *listener);

#endif
