#ifndef FLEXILIB_UPSTREAM_CLIENT_H
#define FLEXILIB_UPSTREAM_CLIENT_H

/* The HTTP/1.1 client that forwards exchanges to the servers of an upstream and delivers their responses, with a pool
 * of kept connections for each server. One per worker. */

#include "config/settings.h"
#include "filter/exchange.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tunnel.h"
#include "plan/plan.h"

struct client;
struct core_metrics;
struct server_states;
struct tls_upstreams;
struct client_request;

struct client *client_create(const struct settings *settings, struct loop *loop, struct resolver *resolver);

/* Has https:// servers spoken to by TLS, before the first request. tls must outlive the client. */
/* Has what becomes of requests counted; core outlives the client. */
void client_use_metrics(struct client *client, struct core_metrics *core);

void client_use_tls(struct client *client, struct tls_upstreams *tls);

/* As proxy_share_servers. */
void client_share_servers(struct client *client, struct server_states *states, uint32_t row, const uint32_t *numbers);

/* Begins to ask servers how they are where upstreams want that, and stops, which draining workers do early. Starting
 * twice and stopping what was not started are fine. */
void client_start_checks(struct client *client);
/* Closes the connection to a server that has been idle for longest. Returns false where there is none. */
bool client_close_one_idle(struct client *client);

void client_stop_checks(struct client *client);

/* Closes all connections. No request may be under way. */
void client_destroy(struct client *client);

/* Sends the exchange's request to exchange->upstream, as the route's forward settings have it. The outcome goes to the
 * exchange, never from within this call: exchange_response_head, after each client_pull one exchange_response_body; or
 * exchange_fail with 502 or 504, after a line in the log that says why (503 where no server has room or is available,
 * see exchange_fail_for). A piece of the body stays valid until the next pull or cancel; the one delivered with last is
 * in the exchange's arena. Right before last is delivered or exchange_fail is called, on_over(exchange) is: the owner
 * forgets its pointer, since the request is freed with that. */
struct client_request *client_send(struct client *client, struct exchange *exchange, const struct plan_route *route,
                                   void (*on_over)(struct exchange *exchange));

/* Where the body of a request comes from that is not at hand as a whole. */
struct client_body {
    int64_t length; /* -1: not known */
    /* Asks for the next piece: one call of client_body_piece for that request, or of client_body_fail, or of
     * client_cancel, also from within, even before client_send_body has returned (client_cancel excepted). Not called
     * any more once the request is over or was cancelled. */
    void (*pull)(void *source, struct client_request *request);
    void *source;
};

/* As client_send, for a body that comes in pieces, which are asked for once a server is there to take them. What has
 * been taken is kept while it is small and the request may be sent twice; with a larger part of the body gone, no other
 * server can be tried. */
struct client_request *client_send_body(struct client *client, struct exchange *exchange,
                                        const struct plan_route *route, const struct client_body *body,
                                        void (*on_over)(struct exchange *exchange));

/* Gives the next piece, which stays valid until the next pull, or until the request is over. It may be empty. */
void client_body_piece(struct client_request *request, struct slice piece, bool last);

/* The rest of the body will not come: the server is left so that it cannot take the request for a whole one, and the
 * exchange fails with status. */
void client_body_fail(struct client_request *request, int status);

/* After a response with 101: lends its connection, whose events side hears from now on, to a tunnel,
 * until client_cancel. */
struct tunnel_end client_take_over(struct client_request *request, struct tunnel_side *side);

/* A failure of a request to that upstream for which no server is to blame, for the log. */
void client_log_failure(struct client *client, const struct upstream_settings *upstream, const char *reason,
                        struct slice request_id);

/* Asks for the next piece of the body; it may be delivered from within. */
void client_pull(struct client_request *request);

/* Gives up. Nothing more is delivered; on_over is not called. */
void client_cancel(struct client_request *request);

#endif
