#ifndef FLEXILIB_DISPATCH_DISPATCH_H
#define FLEXILIB_DISPATCH_DISPATCH_H

/* Brings a front's requests and the plan together: makes their exchanges, finds the route, runs the chain, sends on
 * what goes to a source of responses, watches pauses, and writes the log line in the end. Knows no protocol: fronts of
 * any kind embed an entry for each request that they carry. One per worker. */

#include "dispatch/access_log.h"
#include "dispatch/compressed_body.h"
#include "plan/plan.h"
#include "upstream/client.h"
#include "upstream/response_source.h"

struct dispatch;
struct dispatch_entry;

/* What a front does for an exchange that it carries; see struct exchange_owner for when and how often. */
struct dispatch_front {
    void (*send_head)(struct dispatch_entry *entry);
    void (*send_body)(struct dispatch_entry *entry, struct slice data, bool last);
    void (*flush)(struct dispatch_entry *entry);
    void (*abort)(struct dispatch_entry *entry);
    /* Sends an interim response; NULL where the front has none. */
    void (*send_interim)(struct dispatch_entry *entry, const struct response_head *interim);
    /* The next piece of a body that exchange->streams_request is wanted: one call of exchange_request_body or
     * exchange_request_fail, also from within. NULL where the front never streams. */
    void (*pull_request)(struct dispatch_entry *entry);
    /* After send_head with 101, before the flush: lends the client's connection to a tunnel, until finished is called.
     * NULL where the front never fills request.upgrade. */
    struct tunnel_end (*take_over)(struct dispatch_entry *entry, struct tunnel_side *side);
    /* The exchange is over and nothing refers to it any more: the front calls dispatch_close, at once or later. */
    void (*finished)(struct dispatch_entry *entry);
};

/* exchange is NULL where there is none. The times are the front's to fill, in microseconds of the monotonic clock, 0
 * where it has not come to that. */
struct dispatch_entry {
    struct exchange *exchange;
    uint64_t began_us, first_byte_us, last_byte_us;
    struct dispatch *dispatch;
    const struct dispatch_front *front;
    const struct plan_route *route;
    struct response_source source;
    struct client_request *upload;      /* who wants pieces of the request's body; NULL: nobody */
    struct tunnel *tunnel;              /* NULL where there is none */
    struct compressed_body *compressed; /* what the response's body goes through; NULL: nothing */
    struct timer pause_timer;
    bool is_over;
};

/* Everything given must outlive it. access_log may be NULL. */
struct dispatch *dispatch_create(struct loop *loop, const struct settings *settings, const struct plan *plan,
                                 struct runtime *runtime, struct client *client, struct access_log *access_log);
void dispatch_destroy(struct dispatch *dispatch);

/* Says which port a listener with TLS really has. Before the first exchange. */
void dispatch_note_https(struct dispatch *dispatch, uint16_t port);

/* How many tunnels there are. */
size_t dispatch_tunnel_count(const struct dispatch *dispatch);

/* Makes the entry's exchange, with its request id; the front fills the request. The entry is all zero bytes, or closed.
 */
void dispatch_open(struct dispatch *dispatch, struct dispatch_entry *entry, const struct dispatch_front *front);

/* Adds to an answer of the front's own, whose exchange never starts, what all responses carry. */
void dispatch_mark(struct dispatch_entry *entry, bool is_https);

/* Sends the exchange on its way. May call the front. */
void dispatch_start(struct dispatch_entry *entry, const struct listener_settings *listener);

/* In place of exchange_sent: the front is done with what the last send_body handed it. */
void dispatch_sent(struct dispatch_entry *entry);

/* Writes the log line and destroys the exchange: after front->finished, or where the exchange was never started. */
void dispatch_close(struct dispatch_entry *entry);

#endif
