#ifndef FLEXILIB_HTTP_WEBSOCKET_H
#define FLEXILIB_HTTP_WEBSOCKET_H

/* The opening handshake of WebSockets over HTTP/1 (RFC 6455 section 4), for requests that came without: those of HTTP/2
 * have none. */

#include "base/arena.h"
#include "base/slice.h"

/* A new key, as Sec-WebSocket-Key has it. */
struct slice websocket_make_key(struct arena *arena);

/* Whether a server that says so in Sec-WebSocket-Accept has seen the key. */
bool websocket_is_accepted(struct slice key, struct slice accept);

#endif
