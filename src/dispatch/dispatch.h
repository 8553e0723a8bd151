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

struct core_metrics;
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
    /* After send_head with 101, before the flush: lends the client's connection to a tunnel. NULL where the front never
     * fills request.upgrade. */
    struct tunnel_end (*take_over)(struct dispatch_entry *entry, struct tunnel_side *side);
    /* The tunnel is no more, and what was lent ends with it; finished comes when filters have heard of it too. */
    void (*give_back)(struct dispatch_entry *entry);
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
    struct websocket_insight *insight;  /* into it, where it is a WebSocket; otherwise NULL */
    struct compressed_body *compressed; /* what the response's body goes through; NULL: nothing */
    struct timer pause_timer;
    bool is_over;
};

/* Answers requests in place of a plan: there are no routes, and no filters. */
struct dispatch_site {
    /* Starts the response, by the rules of response_source.h. */
    struct response_source (*answer)(void *data, struct exchange *exchange, void (*on_over)(struct exchange *exchange));
    void *data;
};

/* Everything given must outlive it. client may be NULL where a site answers. access_log may be NULL. */
struct dispatch *dispatch_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                                 struct client *client, struct access_log *access_log);

/* Has it serve by that plan, which must outlive it, before the first request. */
void dispatch_use_plan(struct dispatch *dispatch, const struct plan *plan);

/* Has requests counted; core outlives the dispatch. */
void dispatch_use_metrics(struct dispatch *dispatch, struct core_metrics *core);

/* Has a site answer, in place of a plan; it is copied. */
void dispatch_use_site(struct dispatch *dispatch, const struct dispatch_site *site);
void dispatch_destroy(struct dispatch *dispatch);

/* Says which port a listener with TLS really has. Before the first exchange. */
void dispatch_note_https(struct dispatch *dispatch, uint16_t port);

/* How many tunnels there are, and how many exchanges that are none. */
size_t dispatch_tunnel_count(const struct dispatch *dispatch);
size_t dispatch_request_count(const struct dispatch *dispatch);

/* Has all tunnels end in good order, WebSockets with the status that says so. */
void dispatch_leave_tunnels(struct dispatch *dispatch);

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

/* Whether a request is under way that began before that time, and is no tunnel. */
bool dispatch_is_overdue(const struct dispatch_entry *entry, uint64_t began_before_us);

#endif
