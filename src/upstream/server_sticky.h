#ifndef FLEXILIB_UPSTREAM_SERVER_STICKY_H
#define FLEXILIB_UPSTREAM_SERVER_STICKY_H

/* The cookie by which a client comes back to the server it had before. Its value is sixteen hexadecimal digits that
 * follow from the upstream's name and the server's URL, so every worker knows it, and so do those after a restart. A
 * client whose server is drained goes on with it, so that its session can come to an end; where the server is
 * unhealthy, at its limit, or has failed with the request at hand, the client is sent to another one and gets that
 * one's cookie. */

#include "upstream/server.h"

/* The server that the request's cookie names, or NULL. */
struct server *server_sticky_find(const struct server_group *group, const struct exchange *exchange);

#endif
