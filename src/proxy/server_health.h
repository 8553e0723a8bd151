#ifndef FLEXILIB_PROXY_SERVER_HEALTH_H
#define FLEXILIB_PROXY_SERVER_HEALTH_H

/* Whether a server may get requests, and how large its share is: what the choice among servers asks for each of them.
 * now_ms is loop_now_ms. */

#include "proxy/server.h"

enum {
    SERVER_WEIGHT_UNIT = 100, /* what server_weight says for a weight of 1 at its full share */
};

/* Whether it works as far as is known. A server that is healthy but drained serves those that are bound to it by their
 * cookie. */
bool server_is_healthy(const struct server *server, uint64_t now_ms);

/* Whether anybody may be sent to it: healthy, and not drained. */
bool server_is_usable(const struct server *server, uint64_t now_ms);

/* Its weight at present in units of SERVER_WEIGHT_UNIT, at least 1: less than the whole while it starts slowly. */
uint32_t server_weight(const struct server *server, uint64_t now_ms);

#endif
