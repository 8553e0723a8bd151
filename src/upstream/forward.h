#ifndef FLEXILIB_UPSTREAM_FORWARD_H
#define FLEXILIB_UPSTREAM_FORWARD_H

/* What a request becomes on its way to a server: the head that is sent, and what its method allows. Knows no socket.
 * What it says of the client is forwarded.h's. Expect is not sent on: the front answers it when somebody asks for the
 * body. */

#include "base/text.h"
#include "filter/exchange.h"
#include "plan/plan.h"

/* Replaces the content of out by the head, blank line included. server_host is the server's own, which the Host field
 * says where the route wants that, or the client sent none. body_length is -1 for a body that is sent in chunks. */
void forward_build_head(const struct exchange *exchange, const struct plan_route *route, struct slice server_host,
                        int64_t body_length, struct text *out);

enum {
    /* of a protocol's name in Upgrade; those in use have less than twenty */
    FORWARD_UPGRADE_BYTES = 64,
};

/* The protocol that the server is asked to switch to: the first one that the client asks for and the route lets
 * through; empty where there is none. HTTP/2 is none: what goes through a tunnel is judged by nobody. */
struct slice forward_upgrade(const struct exchange *exchange, const struct plan_route *route);

/* What the Host field says to that server. */
struct slice forward_host(const struct request_head *request, const struct forward_settings *forward,
                          struct slice server_host);

/* Takes prefix, whole segments, off a path and leaves what follows: nothing, or what begins with "/". Returns false
 * where the path does not begin so. A slash at the prefix's end does not count. */
bool forward_take_prefix(struct slice *path, struct slice prefix);

/* Takes prefix off a path, segment-wise: "/api" off "/api/x" leaves "/x", off "/api" it leaves "/". A path that does
 * not begin so stays as it is. */
struct slice forward_strip(struct slice path, struct slice prefix);

/* Whether sending a request twice has the same effect as sending it once (RFC 9110 section 9.2.2). */
bool forward_is_idempotent(struct slice method);

#endif
