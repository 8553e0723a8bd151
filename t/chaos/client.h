#ifndef T_CHAOS_CLIENT_H
#define T_CHAOS_CLIENT_H

/* The client in front of FlexiLib while filters do as they like. client.c has the connections, which it calls visits,
 * and the count; http1.c and http2.c speak. */

#include "bytes.h"
#include "dice.h"
#include "message.h"
#include "order.h"

enum {
    MOST_VISITS = 512,
    MOST_DEPTH = 4, /* requests of HTTP/1.1 that are sent ahead */
};

enum outcome {
    OUTCOME_WHOLE = 0,  /* of somebody who says whose it is */
    OUTCOME_OWN,        /* FlexiLib's own words, or a file */
    OUTCOME_CUT,        /* in the midst of a response */
    OUTCOME_CLOSED,     /* instead of a response */
    OUTCOME_LEFT,       /* by us */
    OUTCOME_UNANSWERED, /* behind one that was the last: does not count */
    OUTCOME_COUNT,
};

struct client {
    const char *address;
    uint16_t port;
    uint64_t seed;
    uint64_t next_number;
    uint64_t left; /* exchanges that are still wanted */
    uint64_t next_visit;
    bool is_http2;
    const char *const *routes;
    size_t route_count;
    uint64_t outcomes[OUTCOME_COUNT], statuses[6], interims;
    unsigned faults;
};

struct http2;

/* One connection. */
struct visit {
    struct client *client;
    int fd;
    struct dice dice;
    struct bytes output;
    unsigned planned; /* requests that it is still to send */
    size_t leaves_at; /* after so many more bytes, either way; 0: it stays */
    bool is_over;
    int64_t stalled_ms; /* until then nothing is sent */
    int64_t alive_ms;   /* when something has happened last */
    /* HTTP/1.1 */
    struct order orders[MOST_DEPTH]; /* that are waited for */
    unsigned first, waiting, depth;
    struct message message;
    struct http2 *http2;
};

struct order client_take_order(struct client *client);
void client_note(struct client *client, enum outcome outcome, int status);
void client_complain(struct client *client, uint64_t number, const char *fault);

/* What a response that came whole counts as. */
enum outcome client_judge_whole(const struct claims *claims);

/* Both protocols: a visit begins; bytes have come; none will come any more. */
void http1_begin(struct visit *visit);
void http1_take(struct visit *visit, const char *data, size_t length);
void http1_end(struct visit *visit, bool has_left);

void http2_begin(struct visit *visit);
void http2_take(struct visit *visit, const char *data, size_t length);
void http2_end(struct visit *visit, bool has_left);

/* HTTP/2 makes its bytes when they can be sent. */
void http2_fill(struct visit *visit);

#endif
