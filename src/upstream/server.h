#ifndef FLEXILIB_UPSTREAM_SERVER_H
#define FLEXILIB_UPSTREAM_SERVER_H

/* What a worker knows about the servers of an upstream, the choice among them, and what becomes of one whose requests
 * fail. Health and, where limits or the kind of balancing need it, the numbers of what is under way are shared by all
 * workers (base/server_state.h). */

#include "base/server_state.h"
#include "base/text.h"
#include "config/settings.h"
#include "filter/exchange.h"
#include "net/failure_log.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "upstream/upstream_metrics.h"

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
    uint64_t last_body_bytes;        /* of its last response; the next one is likely as long */
    struct server_group *group;
    uint64_t id;                 /* says which server it is, alike in all workers and generations */
    uint32_t share;              /* in the choice at hand: its weight, 0 where it cannot be chosen, */
    uint64_t load;               /* and the requests under way, where they matter */
    int64_t credit;              /* of the round-robin */
    struct server_state *state;  /* never NULL: shared, or the group's own */
    struct server_count *counts; /* what each worker has under way; NULL: counted in own_count only */
    struct server_count own_count;
    struct server_metrics metrics;
    bool is_repeated; /* counts are those of a server before it in the group: the same URL */
    bool is_state_own;
    /* connections that wait for their next use, see connection.h */
    struct connection *newest, *oldest;
    size_t idle_count;
    struct timer idle_timer;
    struct failure_log failures;
};

struct server_group {
    struct server *servers;
    size_t count;
    const struct upstream_settings *upstream;
    bool has_limits, has_backups;
    bool has_no_request, has_no_connection; /* left by its own limits, when last looked */
    uint64_t random;
    uint32_t row;              /* this worker's among the counts of its servers */
    const uint32_t *rows_used; /* NULL: nothing is shared */
    struct server *reserved;   /* chosen and counted already, for the server_begin that follows */
};

/* Servers that one request has been sent to, or tried to connect to. */
enum {
    TRIED_SERVERS = 16,
};

struct tried_servers {
    const struct server *items[TRIED_SERVERS];
    size_t count;
};

enum server_choice {
    SERVER_CHOSEN = 1,
    SERVER_BUSY, /* those that could be chosen are at a limit: wait for one */
    SERVER_NONE, /* all have been tried, are unhealthy or drained */
};

/* How a server has fared with a request. */
enum server_outcome {
    SERVER_ANSWERED = 1, /* by the status at hand */
    SERVER_FAILED,       /* not connected to, no answer, a broken one, or not in time */
    SERVER_LEFT,         /* the client went, somebody else is to blame, or server_judge has said it */
};

/* upstream must outlive the group. Its servers' state is the group's own until server_group_share. */
void server_group_init(struct server_group *group, const struct upstream_settings *upstream, struct loop *loop);

/* Has what all workers know stand in shared memory: states is the region, row this worker's in the counts, numbers[i]
 * that of server i (UINT32_MAX: it has none). Before the first request. */
void server_group_share(struct server_group *group, struct server_states *states, uint32_t row,
                        const uint32_t *numbers);

/* Has the https:// servers of the group spoken to by TLS. */
void server_group_use_tls(struct server_group *group, struct tls_upstream *tls);

/* Closes the idle connections of the servers, and frees what init took. */
void server_group_finish(struct server_group *group);

/* Chooses the server whose turn it is for this exchange, by the upstream's sticky cookie, its kind of balancing,
 * weights and backups: none that was tried, is unhealthy, drained, or at its limit. Where there are limits the place is
 * held until the next choice in the group, so server_begin must follow before anything else happens. */
enum server_choice server_group_choose(struct server_group *group, const struct exchange *exchange,
                                       const struct tried_servers *tried, struct server **server);

/* A request is on its way to the server; server_end comes for each. */
void server_begin(struct server *server);

/* The head of a response is there that goes on for long: what it says of the server is noted at once, and its
 * server_end says SERVER_LEFT. Returns how many failures server_break is to be told of should the rest not come. */
uint32_t server_judge(struct server *server, int status);

/* The rest did not come. */
void server_break(struct server *server, uint32_t failures);

/* The request is over, or goes elsewhere; status is that of the response where there was one, 0 otherwise. */
void server_end(struct server *server, enum server_outcome outcome, int status);

/* A connection to the server was begun or is over: client_attempt.c and connection.c tell. */
void server_connection_opened(struct server *server);
void server_connection_closed(struct server *server);

/* Whether the server's or the upstream's max_connections lets another connection be opened; where one that is idle
 * stands in the way, it is closed. */
bool server_may_connect(struct server *server);

/* Whether a connection that becomes idle may be kept: not while max_connections is reached and another worker may be
 * waiting for the place. */
bool server_may_keep(const struct server *server);

/* Whether requests of other workers wait for the place of one that is idle. */
bool server_must_give_up(const struct server *server);

/* How long the server's idle connections may be left alone, so that it is noticed when they are not to be kept. */
int64_t server_idle_look_ms(const struct server *server);

/* Adds the sticky cookie to a response of this server, where the upstream has one and the client did not send it. */
void server_mark_response(const struct server *server, struct exchange *exchange);

#endif
