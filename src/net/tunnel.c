#include "net/tunnel.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAVE_MS = 2000, /* how long a tunnel that has to leave may take for it, while nothing moves */
};

/* One end, and what comes from it on the way to the other. */
struct tunnel_side {
    struct tunnel *tunnel;
    struct tunnel_side *other;
    struct tunnel_end end;
    struct receive_buffer *buffer; /* NULL while nothing is on its way */
    size_t length;
    bool is_sending;    /* the buffer is being written to the other end */
    bool was_full;      /* the last buffer was, so there is likely more */
    bool has_ended;     /* this end sends no more */
    bool is_end_told;   /* and the other end knows */
    bool is_cut;        /* this end broke before it said that it was done */
    bool takes_nothing; /* writing to this end has failed */
    bool owes_farewell; /* to the other end, behind what is on its way there */
    uint64_t passed_bytes, taken_bytes;
};

struct tunnel {
    struct tunnels *tunnels;
    struct tunnel *previous, *next;
    const struct tunnel_insight *insight; /* NULL: nobody knows what is inside */
    bool is_leaving;
    struct tunnel_side client, server;
    void (*on_over)(void *data, enum tunnel_outcome outcome);
    void *data;
    struct timer timer;
    int64_t idle_timeout_ms;
    uint64_t active_ms; /* when something has passed last */
};

void tunnels_finish(struct tunnels *tunnels)
{
    receive_buffers_finish(&tunnels->buffers);
}

static void end_tunnel(struct tunnel *tunnel, enum tunnel_outcome outcome)
{
    timer_stop(tunnel->tunnels->loop, &tunnel->timer);
    tunnel->on_over(tunnel->data, outcome);
}

static void release_buffer(struct tunnel_side *side)
{
    receive_buffer_give(&side->tunnel->tunnels->buffers, side->buffer);
    side->buffer = NULL;
    side->length = 0;
    side->is_sending = false;
}

static void read_from(struct tunnel_side *side, bool is_wanted)
{
    side->end.calls->read(side->end.end, is_wanted);
}

static void note_activity(struct tunnel *tunnel)
{
    tunnel->active_ms = loop_now_ms(tunnel->tunnels->loop);
}

/* Starts to write what this side has, unless the other end is busy: then the end of that comes here again. */
static void send_on(struct tunnel_side *side)
{
    struct tunnel_side *to = side->other;
    const struct tunnel_insight *insight = side->tunnel->insight;
    if (side->length == 0 || side->is_sending || to->end.is_writing)
        return;
    side->is_sending = true;
    if (insight != NULL)
        insight->on_bytes(insight->data, to, slice_of(side->buffer->data, side->length));
    to->end.is_writing = true;
    to->end.calls->write(to->end.end, slice_of(side->buffer->data, side->length));
}

static void pass_on_end(struct tunnel_side *side)
{
    struct tunnel_side *to = side->other;
    if (!side->has_ended || side->is_end_told || side->length != 0 || side->owes_farewell || to->end.is_writing ||
        to->takes_nothing)
        return;
    side->is_end_told = true;
    to->end.calls->finish_writing(to->end.end);
}

static bool is_done(const struct tunnel_side *side)
{
    return side->is_end_told || side->other->takes_nothing;
}

static void end_if_done(struct tunnel *tunnel)
{
    if (is_done(&tunnel->client) && is_done(&tunnel->server))
        end_tunnel(tunnel, tunnel->client.takes_nothing || tunnel->server.takes_nothing ? TUNNEL_BROKEN : TUNNEL_ENDED);
}

static size_t choose_capacity(const struct tunnel_side *side)
{
    size_t wanted_bytes = side->was_full ? RECEIVE_LARGE_BYTES : RECEIVE_SMALL_BYTES;
    const size_t *most_passed = side->other->end.most_passed;
    if (most_passed != NULL && *most_passed < wanted_bytes)
        wanted_bytes = *most_passed;
    size_t most = side->end.most_received;
    return most != 0 && most < wanted_bytes ? most : wanted_bytes;
}

/* There is no buffer. Returns whether anything but silence was received. */
static bool receive_from(struct tunnel_side *side, ssize_t *received)
{
    side->buffer = receive_buffer_take(&side->tunnel->tunnels->buffers, choose_capacity(side));
    *received = side->end.calls->receive(side->end.end, side->buffer->data, side->buffer->capacity);
    int error = errno;
    side->was_full = *received > 0 && (size_t)*received == side->buffer->capacity;
    if (*received > 0) {
        side->length = (size_t)*received;
        return true;
    }
    release_buffer(side);
    return *received == 0 || (error != EAGAIN && error != EWOULDBLOCK);
}

/* Reads once, where the buffer is free and the other end takes bytes. May be the end of the tunnel. */
static void pump(struct tunnel_side *side)
{
    ssize_t received;
    if (side->has_ended)
        return;
    if (side->length != 0 || side->other->takes_nothing) {
        read_from(side, false);
        return;
    }
    if (!receive_from(side, &received)) {
        read_from(side, true);
        return;
    }
    note_activity(side->tunnel);
    if (received > 0) {
        send_on(side);
    } else if (received == 0) {
        side->has_ended = true;
        read_from(side, false);
        pass_on_end(side);
        end_if_done(side->tunnel);
    } else {
        side->is_cut = true;
        end_tunnel(side->tunnel, TUNNEL_BROKEN);
    }
}

void tunnel_on_readable(struct tunnel_side *side)
{
    pump(side);
}

/* What is sent last. Nothing is on its way to the other end, which is not being written to. */
static void send_farewell(struct tunnel_side *side)
{
    const struct tunnel_insight *insight = side->tunnel->insight;
    char room[TUNNEL_FAREWELL_BYTES];
    side->owes_farewell = false;
    if (insight == NULL || side->other->takes_nothing || side->is_end_told)
        return;
    struct slice farewell = insight->get_farewell(insight->data, side->other, room);
    if (farewell.length == 0)
        return;
    side->buffer = receive_buffer_take(&side->tunnel->tunnels->buffers, RECEIVE_SMALL_BYTES);
    memcpy(side->buffer->data, farewell.data, farewell.length);
    side->length = farewell.length;
    send_on(side);
}

/* The side has ended, because it has said so or since the tunnel has to leave. */
static void go_on_ending(struct tunnel_side *side)
{
    if (side->owes_farewell && side->length == 0 && !side->other->end.is_writing)
        send_farewell(side);
    send_on(side);
    pass_on_end(side);
}

/* A failed write does not say whether the end had more to tell before it broke: that shows when it is read. */
static void give_up_writing(struct tunnel_side *to)
{
    to->takes_nothing = true;
    release_buffer(to->other);
    read_from(to->other, false);
    end_if_done(to->tunnel);
}

void tunnel_on_written(struct tunnel_side *side, bool is_ok)
{
    struct tunnel_side *from = side->other;
    side->end.is_writing = false;
    if (!is_ok) {
        give_up_writing(side);
        return;
    }
    if (!from->is_sending) {
        go_on_ending(from);
        end_if_done(side->tunnel);
        return;
    }
    note_activity(side->tunnel);
    from->passed_bytes += from->length;
    release_buffer(from);
    if (from->has_ended) {
        go_on_ending(from);
        end_if_done(side->tunnel);
    } else if (from->was_full)
        pump(from);
    else
        read_from(from, true);
}

/* One write may be more than a slow end takes in the time. */
static bool is_being_taken(struct tunnel_side *side)
{
    uint64_t before = side->taken_bytes;
    if (!side->other->is_sending)
        return false;
    side->taken_bytes = side->end.calls->taken_bytes(side->end.end);
    return side->taken_bytes > before;
}

static void on_timeout(struct timer *timer)
{
    struct tunnel *tunnel = timer->data;
    struct loop *loop = tunnel->tunnels->loop;
    bool client_takes = is_being_taken(&tunnel->client), server_takes = is_being_taken(&tunnel->server);
    if (client_takes || server_takes)
        note_activity(tunnel);
    int64_t quiet_ms = (int64_t)(loop_now_ms(loop) - tunnel->active_ms);
    if (quiet_ms < tunnel->idle_timeout_ms)
        timer_start(loop, timer, tunnel->idle_timeout_ms - quiet_ms);
    else if (tunnel->is_leaving)
        end_tunnel(tunnel, TUNNEL_ENDED);
    else
        end_tunnel(tunnel, TUNNEL_IDLE);
}

static void init_side(struct tunnel_side *side, struct tunnel *tunnel, struct tunnel_side *other)
{
    side->tunnel = tunnel;
    side->other = other;
}

struct tunnel *tunnel_create(struct tunnels *tunnels, void (*on_over)(void *data, enum tunnel_outcome outcome),
                             void *data)
{
    struct tunnel *tunnel = mem_zalloc(sizeof(*tunnel));
    tunnel->tunnels = tunnels;
    tunnel->on_over = on_over;
    tunnel->data = data;
    tunnel->timer.on_timeout = on_timeout;
    tunnel->timer.data = tunnel;
    init_side(&tunnel->client, tunnel, &tunnel->server);
    init_side(&tunnel->server, tunnel, &tunnel->client);
    ++tunnels->count;
    tunnel->next = tunnels->first;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel;
    tunnels->first = tunnel;
    return tunnel;
}

void tunnel_use_insight(struct tunnel *tunnel, const struct tunnel_insight *insight)
{
    tunnel->insight = insight;
}

static void leave(struct tunnel_side *side)
{
    if (side->is_end_told || side->other->takes_nothing)
        return;
    if (!side->has_ended)
        read_from(side, false);
    side->owes_farewell = true;
    side->has_ended = true;
    go_on_ending(side);
}

void tunnels_leave(struct tunnels *tunnels)
{
    struct tunnel *next;
    for (struct tunnel *tunnel = tunnels->first; tunnel != NULL; tunnel = next) {
        next = tunnel->next;
        if (tunnel->is_leaving)
            continue;
        tunnel->is_leaving = true;
        leave(&tunnel->client);
        leave(&tunnel->server);
        /* One that is over ends later too: others may end with it. */
        tunnel->idle_timeout_ms = is_done(&tunnel->client) && is_done(&tunnel->server) ? 0 : LEAVE_MS;
        note_activity(tunnel);
        timer_start(tunnels->loop, &tunnel->timer, tunnel->idle_timeout_ms);
    }
}

struct tunnel_side *tunnel_client_side(struct tunnel *tunnel)
{
    return &tunnel->client;
}

struct tunnel_side *tunnel_server_side(struct tunnel *tunnel)
{
    return &tunnel->server;
}

static void start_side(struct tunnel_side *side)
{
    read_from(side, true);
    if (side->end.has_received)
        pump(side);
}

void tunnel_start(struct tunnel *tunnel, const struct tunnel_end *client, const struct tunnel_end *server,
                  int64_t idle_timeout_ms)
{
    tunnel->client.end = *client;
    tunnel->server.end = *server;
    tunnel->idle_timeout_ms = idle_timeout_ms;
    note_activity(tunnel);
    if (idle_timeout_ms > 0)
        timer_start(tunnel->tunnels->loop, &tunnel->timer, idle_timeout_ms);
    start_side(&tunnel->client);
    start_side(&tunnel->server);
}

uint64_t tunnel_bytes_to_client(const struct tunnel *tunnel)
{
    return tunnel->server.passed_bytes;
}

uint64_t tunnel_bytes_to_server(const struct tunnel *tunnel)
{
    return tunnel->client.passed_bytes;
}

static void finish_side(struct tunnel_side *side)
{
    const struct tunnel_end *to = &side->other->end;
    if (to->calls != NULL && (side->is_cut || side->length != 0))
        to->calls->reset(to->end);
    release_buffer(side);
}

void tunnel_destroy(struct tunnel *tunnel)
{
    if (tunnel == NULL)
        return;
    timer_stop(tunnel->tunnels->loop, &tunnel->timer);
    --tunnel->tunnels->count;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel->previous;
    if (tunnel->previous != NULL)
        tunnel->previous->next = tunnel->next;
    else
        tunnel->tunnels->first = tunnel->next;
    finish_side(&tunnel->client);
    finish_side(&tunnel->server);
    free(tunnel);
}
