#ifndef FLEXILIB_PROCESS_CONTROL_REQUESTS_H
#define FLEXILIB_PROCESS_CONTROL_REQUESTS_H

/* What commands may ask of the supervisor, and the answers.
 *
 *     servers               a line for each: server UPSTREAM URL REQUESTS CONNECTIONS STATE
 *     drain UPSTREAM URL    the server's line
 *     ready UPSTREAM URL    the server's line
 *     reload                reloads, and answers when it is over, as reload.h has it
 *     rollback              goes back to what served before, likewise
 *     upgrade               puts the program on disk in place; then `upgrade OLD NEW`, versions, and as for reload
 *     status                what runs, as status.h has it
 *     metrics               text LINE for each line of the metrics of filters, as Prometheus reads them
 *
 * REQUESTS and CONNECTIONS are "-" where nobody counts them for all workers. */

#include "base/supervision.h"
#include "process/control_message.h"
#include "process/generation.h"
#include "process/metrics_region.h"
#include "process/reloads.h"

struct control_view {
    struct server_table *servers;
    const struct metrics_region *metrics;
    const struct supervision *supervision;
    const struct generation *serving; /* NULL: none does */
    struct reloads *reloads;
    unsigned (*want_upgrade)(void *data); /* returns its id, or 0 */
    void *data;
};

/* Does what the request says and adds the answer. Returns 0, or the id of the reload whose end is the answer. */
unsigned control_requests_answer(const struct control_view *view, const struct control_line *request,
                                 struct text *answer);

#endif
