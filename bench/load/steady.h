/* Clients that behave as people's programs do, and judge strictly: connections that are kept and asked again after some
 * thinking, WebSockets on which something is said now and then, downloads that are taken slowly, and visitors who come
 * anew. They live in one process with one loop.
 *
 * What a server answers at a place (a name and a path) is the name and a version, or bytes of the backend's, which
 * stands without a version. Who is told that a version serves (a floor) takes an older one as a failure: on a
 * connection that was opened later in any case, on an older one unless the answer says that the connection closes.
 *
 * The network between client and server has a delay: what the server sends, or that it closes, is noticed so much
 * later. Without it nobody on the same machine would ever send a request to a server that has just closed. */

#ifndef FLEXILIB_BENCH_STEADY_H
#define FLEXILIB_BENCH_STEADY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MOST_PLACES = 16,
    HEAD_BYTES = 4096,
    BODY_BYTES = 512,
    US = 1000000,
};

enum failure {
    FAILURE_CONNECT,  /* refused, or reset before anything was sent */
    FAILURE_CLOSED,   /* a request on a connection that was not announced to close, and no byte of an answer */
    FAILURE_CUT,      /* an answer broke off */
    FAILURE_STATUS,   /* another status than 200, or 101 where that was wanted */
    FAILURE_BODY,     /* not what is asked for */
    FAILURE_STALE,    /* an older version than is served for sure */
    FAILURE_TIME,     /* no answer in 10 s */
    FAILURE_TUNNEL,   /* a WebSocket was cut, or said something wrong */
    FAILURE_DOWNLOAD, /* a download broke off */
    FAILURES,
};

struct place {
    const char *name;
    const char *path;
    size_t length;    /* of the backend's bytes; 0: name and version */
    unsigned floor;   /* the version that is served for sure */
    unsigned wanted;  /* the version that visitors look for; 0: none */
    unsigned highest; /* the latest that was seen */
};

struct figures {
    uint64_t requests; /* on connections that are kept, and visitors' */
    uint64_t visits;
    uint64_t messages;
    uint64_t downloads;
    uint64_t announced;   /* connections whose last answer said that they close */
    uint64_t closed_idle; /* connections that were closed while nothing was asked */
    uint64_t failures[FAILURES];
    uint32_t *times_us; /* of requests on connections that are kept */
    size_t count, capacity;
};

struct steady {
    uint16_t port;
    unsigned kept, tunnels, downloads;
    unsigned think_ms;
    unsigned delay_ms;
    int poller;
    uint64_t now_us;
    uint64_t random;
    struct place places[MOST_PLACES];
    unsigned place_count;
    struct figures figures;
    bool is_over;
};

enum kind {
    KIND_KEPT,
    KIND_VISITOR,
    KIND_DOWNLOAD,
    KIND_TUNNEL,
};

enum state {
    STATE_AWAY,       /* no connection; comes at due_us */
    STATE_CONNECTING, /* gives up at due_us */
    STATE_THINKING,   /* speaks at due_us */
    STATE_ASKING,     /* gives up at due_us */
};

struct connection {
    enum kind kind;
    enum state state;
    int fd;
    bool is_upgraded;
    uint64_t due_us;
    uint64_t notice_us;  /* when what has come is noticed; 0: nothing has */
    uint64_t arrived_us; /* when the first of it was there */
    uint64_t asked_us;
    unsigned opened_floors[MOST_PLACES];
    unsigned asked_floor;
    struct place *place;
    uint32_t message;
    /* The answer so far: the head, then the body's length and what has come of it. */
    size_t head_used;
    bool has_head;
    bool closes;
    size_t length, got;
    bool is_wrong;
    char head[HEAD_BYTES];
    char body[BODY_BYTES];
};

/* steady.c */
uint64_t steady_clock_us(void);
uint64_t steady_random(struct steady *steady, uint64_t below);

/* steady_connection.c */
void connection_begin(struct steady *steady, struct connection *connection, enum kind kind, uint64_t due_us);
void connection_on_event(struct steady *steady, struct connection *connection, uint32_t events);
/* Does what is due. Returns when something will be. */
uint64_t connection_step(struct steady *steady, struct connection *connection);

/* steady_answer.c */
enum answer_state {
    ANSWER_GOES_ON,
    ANSWER_IS_WHOLE,
    ANSWER_IS_WRONG, /* is_wrong is set and the failure is reported */
};
void answer_reset(struct connection *connection);
enum answer_state answer_take(struct steady *steady, struct connection *connection, const char *bytes, size_t count);

/* steady_report.c */
void report_failure(struct steady *steady, const struct connection *connection, enum failure failure,
                    const char *detail);
void report_time(struct steady *steady, uint64_t time_us);
void report_version(struct place *place, unsigned version, uint64_t time_us);
/* Prints the figures under that name, and begins anew. */
void report_phase(struct steady *steady, const char *name);

#endif
