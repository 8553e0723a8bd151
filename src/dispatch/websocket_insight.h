#ifndef FLEXILIB_DISPATCH_WEBSOCKET_INSIGHT_H
#define FLEXILIB_DISPATCH_WEBSOCKET_INSIGHT_H

/* What is known of a tunnel that carries a WebSocket: where its frames end (http/websocket_frames.h), so that both ends
 * can be told in their own protocol when it has to leave. */

#include "net/tunnel.h"

struct websocket_insight;

/* Before tunnel_start. */
struct websocket_insight *websocket_insight_create(struct tunnel *tunnel);

/* After tunnel_destroy. NULL is fine. */
void websocket_insight_destroy(struct websocket_insight *insight);

#endif
