#include "dispatch/websocket_insight.h"

#include "base/alloc.h"
#include "http/websocket_frames.h"

#include <stdlib.h>

struct websocket_insight {
    struct tunnel_insight seen;
    const struct tunnel_side *client;
    struct websocket_frames to_client, to_server;
};

static struct websocket_frames *choose(struct websocket_insight *insight, const struct tunnel_side *to)
{
    return to == insight->client ? &insight->to_client : &insight->to_server;
}

static void on_bytes(void *data, const struct tunnel_side *to, struct slice bytes)
{
    websocket_frames_pass(choose(data, to), bytes);
}

static struct slice get_farewell(void *data, const struct tunnel_side *to, char room[TUNNEL_FAREWELL_BYTES])
{
    struct websocket_insight *insight = data;
    return websocket_frames_say_going_away(choose(insight, to), to != insight->client, room);
}

struct websocket_insight *websocket_insight_create(struct tunnel *tunnel)
{
    struct websocket_insight *insight = mem_zalloc(sizeof(*insight));
    insight->seen = (struct tunnel_insight){.on_bytes = on_bytes, .get_farewell = get_farewell, .data = insight};
    insight->client = tunnel_client_side(tunnel);
    tunnel_use_insight(tunnel, &insight->seen);
    return insight;
}

void websocket_insight_destroy(struct websocket_insight *insight)
{
    free(insight);
}
