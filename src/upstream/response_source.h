#ifndef FLEXILIB_UPSTREAM_RESPONSE_SOURCE_H
#define FLEXILIB_UPSTREAM_RESPONSE_SOURCE_H

/* Where the response of a forwarded exchange comes from: a server, the configuration. A source is started by a function
 * of its own, which may call exchange_response_head or exchange_answer at once; it then delivers the body by demand.
 * Right before it delivers the last piece, or makes the exchange fail, it says that it is over (on_over): nothing is
 * called on it any more. */

#include "filter/exchange.h"
#include "net/tunnel.h"

struct response_source_calls {
    /* Asks for the next piece of the body: one call of exchange_response_body, also from within. */
    void (*pull)(void *source);
    /* Gives up. Nothing more is delivered; on_over is not called. */
    void (*cancel)(void *source);
    /* In place of pull, after a head with 101: lends its connection to a tunnel, until cancel. NULL where the source
     * gives no such heads. */
    struct tunnel_end (*take_over)(void *source, struct tunnel_side *side);
};

/* calls is NULL where there is no source, or none any more. */
struct response_source {
    const struct response_source_calls *calls;
    void *source;
};

#define RESPONSE_SOURCE_NONE ((struct response_source){0})

#endif
