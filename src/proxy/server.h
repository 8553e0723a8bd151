#ifndef FLEXILIB_PROXY_SERVER_H
#define FLEXILIB_PROXY_SERVER_H

/* What a worker knows about the servers of an upstream, and the choice among them: round-robin by weight, so that
 * servers of weight 2 and 1 are chosen in the order a b a. */

#include "base/text.h"
#include "config/settings.h"
#include "proxy/loop.h"
#include "proxy/resolver.h"

struct connection;
struct tls_peer;
struct tls_upstream;

struct server {
    const struct server_settings *settings;
    const struct upstream_settings *upstream;
    struct loop *loop;
    struct text host;                /* what the Host field calls it */
    struct resolver_address address; /* where is_numeric */
    struct tls_peer *tls;            /* NULL: plain */
    bool is_numeric;                 /* a numeric address or a unix socket: needs no resolver */
    bool expects_large;              /* its last body did not fit into a small buffer */
    int64_t credit;                  /* of the round-robin */
    /* connections that wait for their next use, see connection.h */
    struct connection *newest, *oldest;
    size_t idle_count;
    struct timer idle_timer;
};

struct server_group {
    struct server *servers;
    size_t count;
    int64_t total_weight;
};

/* upstream must outlive the group. */
void server_group_init(struct server_group *group, const struct upstream_settings *upstream, struct loop *loop);

/* Has the https:// servers of the group spoken to by TLS. */
void server_group_use_tls(struct server_group *group, struct tls_upstream *tls);

/* Closes the idle connections of the servers, and frees what init took. */
void server_group_finish(struct server_group *group);

/* The position of the server whose turn it is. */
size_t server_group_choose(struct server_group *group);

#endif
