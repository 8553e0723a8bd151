#ifndef FLEXILIB_BASE_STATE_TEXT_H
#define FLEXILIB_BASE_STATE_TEXT_H

/* What is told as metrics, but stands elsewhere than in their table: how the program and the servers of upstreams are
 * right now. In the same text format, so that it can stand in front of metrics_text_add's. */

#include "base/server_state.h"
#include "base/supervision.h"
#include "base/text.h"

void state_text_add_supervision(const struct supervision *supervision, struct text *out);

/* Of a server, fit to print; no two are alike. */
struct state_server {
    struct slice upstream, url;
    const struct server_state *state;
};

void state_text_add_servers(const struct state_server *servers, size_t count, uint64_t now_ms, struct text *out);

#endif
