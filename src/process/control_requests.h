#ifndef FLEXILIB_PROCESS_CONTROL_REQUESTS_H
#define FLEXILIB_PROCESS_CONTROL_REQUESTS_H

/* What commands may ask of the supervisor, and the answers.
 *
 *     servers               a line for each: server UPSTREAM URL REQUESTS CONNECTIONS STATE
 *     drain UPSTREAM URL    the server's line
 *     ready UPSTREAM URL    the server's line
 *
 * REQUESTS and CONNECTIONS are "-" where nobody counts them for all workers. */

#include "process/control_message.h"
#include "process/generation.h"

struct control_view {
    struct server_table *servers;
    const struct generation *serving; /* NULL: none does */
};

/* Does what the request says and adds the answer. */
void control_requests_answer(const struct control_view *view, const struct control_line *request, struct text *answer);

#endif
