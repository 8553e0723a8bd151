#ifndef FLEXILIB_NET_FAILURE_LOG_H
#define FLEXILIB_NET_FAILURE_LOG_H

/* The lines about requests that fail at one server, or at an upstream as a whole. A server that is down fails them all,
 * so in ten seconds only so many have a line each, and fewer where one reason follows itself; the others are counted,
 * and told of in one line when that time is over. */

#include "base/slice.h"
#include "net/loop.h"

enum {
    FAILURE_LOG_LINES = 100,
    FAILURE_LOG_ALIKE = 20,
    FAILURE_LOG_MS = 10 * 1000,
    FAILURE_LOG_REASON_BYTES = 160,
};

struct failure_log {
    struct loop *loop;
    struct slice upstream, server;    /* its URL; empty: no server is to blame */
    struct timer timer;               /* runs from the first failure on */
    unsigned line_count, alike_count; /* the lines at the end that have one reason */
    uint64_t left_out;
    char last[FAILURE_LOG_REASON_BYTES]; /* the reason of the last failure */
};

/* The texts must outlive the log. */
void failure_log_init(struct failure_log *log, struct loop *loop, struct slice upstream, struct slice server);

void failure_log_add(struct failure_log *log, const char *reason, struct slice request_id);

/* Tells of what has been left out, and stops the timer. */
void failure_log_finish(struct failure_log *log);

#endif
