#ifndef FLEXILIB_UPSTREAM_RESPONSE_REWRITE_H
#define FLEXILIB_UPSTREAM_RESPONSE_REWRITE_H

/* What a response says of hosts and paths that only its server knows is said in the client's terms: Location,
 * Content-Location and Refresh, and Domain and Path of cookies. Costs next to nothing where there is none of these. */

#include "config/settings.h"
#include "filter/exchange.h"

/* The server that has answered. */
struct response_origin {
    struct slice host; /* what its Host field is by default */
    bool is_tls;
};

/* Rewrites the fields of exchange->response as the route has it. New texts are in the exchange's arena. */
void response_rewrite(struct exchange *exchange, const struct forward_settings *forward,
                      const struct response_origin *origin);

/* What becomes of one URL in such a field: url itself where it leads elsewhere. */
struct slice response_rewrite_url(struct exchange *exchange, const struct forward_settings *forward,
                                  const struct response_origin *origin, struct slice url);

#endif
