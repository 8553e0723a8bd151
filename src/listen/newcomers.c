#include "listen/newcomers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/log_pace.h"
#include "net/proxy_header.h"
#include "net/proxy_header_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct newcomer {
    struct newcomers *newcomers;
    struct newcomer *previous, *next;
    struct socket *socket;
    const struct listener_settings *listener;
    struct socket_end peer; /* the proxy */
    struct timer timer;
    size_t length;
    char bytes[PROXY_HEADER_IN_BYTES]; /* of the header */
};

struct newcomers {
    struct loop *loop;
    const struct settings *settings;
    const struct newcomers_events *events;
    void *data;
    struct newcomer *first;
    size_t count;
    bool keeps_local; /* somebody wants to know where clients have connected to */
    struct log_pace refusals;
};

struct newcomers *newcomers_create(struct loop *loop, const struct settings *settings,
                                   const struct newcomers_events *events, void *data)
{
    struct newcomers *newcomers = mem_alloc(sizeof(*newcomers));
    *newcomers = (struct newcomers){
        .loop = loop,
        .settings = settings,
        .events = events,
        .data = data,
        .keeps_local = proxy_header_is_used(settings),
    };
    return newcomers;
}

static void forget(struct newcomer *newcomer)
{
    struct newcomers *newcomers = newcomer->newcomers;
    if (newcomer->previous != NULL)
        newcomer->previous->next = newcomer->next;
    else
        newcomers->first = newcomer->next;
    if (newcomer->next != NULL)
        newcomer->next->previous = newcomer->previous;
    timer_stop(newcomers->loop, &newcomer->timer);
    free(newcomer);
    --newcomers->count;
    newcomers->events->on_count(newcomers->data);
}

static void close_newcomer(struct newcomer *newcomer)
{
    socket_close(newcomer->socket);
    forget(newcomer);
}

static void refuse(struct newcomer *newcomer, const char *reason)
{
    struct newcomers *newcomers = newcomer->newcomers;
    if (log_pace_allows(&newcomers->refusals, loop_now_ms(newcomers->loop)))
        log_line(LOG_LEVEL_WARNING, "no good PROXY header from %s: %s (refusal %" PRIu64 " of this worker)",
                 newcomer->peer.address, reason, newcomers->refusals.count);
    close_newcomer(newcomer);
}

static struct socket_end *copy_end(const struct socket_end *end)
{
    struct socket_end *copy = mem_alloc(sizeof(*copy));
    *copy = *end;
    return copy;
}

static void pass(struct newcomer *newcomer, const struct proxy_header_in *header)
{
    struct newcomers *newcomers = newcomer->newcomers;
    const struct socket_end *peer = header->has_ends ? &header->source : &newcomer->peer;
    struct socket_end *local = NULL;
    if (header->has_ends && newcomers->keeps_local)
        local = copy_end(&header->target);
    newcomers->events->on_come(newcomers->data, newcomer->socket, peer, local, newcomer->listener);
    forget(newcomer);
}

/* Takes what belongs to the header away from the socket, where it has only been looked at. */
static bool take_bytes(struct newcomer *newcomer, size_t length)
{
    char *room = newcomer->bytes + newcomer->length;
    newcomer->length += length;
    return socket_receive(newcomer->socket, room, length) == (ssize_t)length;
}

static void look(struct newcomer *newcomer, size_t seen)
{
    struct proxy_header_in header;
    const char *reason = "";
    switch (proxy_header_read(slice_of(newcomer->bytes, newcomer->length + seen), &header, &reason)) {
    case PROXY_HEADER_BAD:
        refuse(newcomer, reason);
        break;
    case PROXY_HEADER_MORE:
        if (!take_bytes(newcomer, seen))
            close_newcomer(newcomer);
        break;
    case PROXY_HEADER_WHOLE:
        if (take_bytes(newcomer, header.length - newcomer->length))
            pass(newcomer, &header);
        else
            close_newcomer(newcomer);
        break;
    }
}

static void on_readable(struct socket *socket, void *data)
{
    struct newcomer *newcomer = data;
    ssize_t seen = recv(socket_descriptor(socket), newcomer->bytes + newcomer->length,
                        sizeof(newcomer->bytes) - newcomer->length, MSG_PEEK);
    if (seen > 0)
        look(newcomer, (size_t)seen);
    else if (seen == 0 && newcomer->length != 0)
        refuse(newcomer, "it breaks off");
    else if (seen == 0 || (errno != EAGAIN && errno != EINTR))
        close_newcomer(newcomer);
}

static void on_timeout(struct timer *timer)
{
    refuse(timer->data, "it did not come in time");
}

static void await_header(struct newcomers *newcomers, struct socket *socket, const struct socket_end *peer,
                         const struct listener_settings *listener)
{
    static const struct socket_events events = {.on_readable = on_readable};
    struct newcomer *newcomer = mem_alloc(sizeof(*newcomer));
    newcomer->newcomers = newcomers;
    newcomer->previous = NULL;
    newcomer->next = newcomers->first;
    newcomer->socket = socket;
    newcomer->listener = listener;
    newcomer->peer = *peer;
    newcomer->timer = (struct timer){.on_timeout = on_timeout, .data = newcomer};
    newcomer->length = 0;
    if (newcomers->first != NULL)
        newcomers->first->previous = newcomer;
    newcomers->first = newcomer;
    ++newcomers->count;
    newcomers->events->on_count(newcomers->data);
    timer_start(newcomers->loop, &newcomer->timer, newcomers->settings->header_timeout_ms);
    socket_set_events(socket, &events, newcomer);
    socket_read(socket, true);
    on_readable(socket, newcomer);
}

void newcomers_take(struct newcomers *newcomers, struct socket *socket, const struct sockaddr *peer,
                    const struct listener_settings *listener)
{
    struct socket_end end;
    unsigned char address[16];
    socket_address_print(peer, end.address, &end.port);
    if (listener->proxy_sender_count != 0 && address_ranges_hold(listener->proxy_senders, listener->proxy_sender_count,
                                                                 address, socket_address_bytes(peer, address)))
        await_header(newcomers, socket, &end, listener);
    else
        newcomers->events->on_come(newcomers->data, socket, &end, NULL, listener);
}

size_t newcomers_count(const struct newcomers *newcomers)
{
    return newcomers->count;
}

void newcomers_close(struct newcomers *newcomers, bool only_silent)
{
    struct newcomer *next;
    for (struct newcomer *newcomer = newcomers->first; newcomer != NULL; newcomer = next) {
        next = newcomer->next;
        if (!only_silent || (newcomer->length == 0 && socket_is_quiet(newcomer->socket)))
            close_newcomer(newcomer);
    }
}

void newcomers_destroy(struct newcomers *newcomers)
{
    if (newcomers == NULL)
        return;
    newcomers_close(newcomers, false);
    free(newcomers);
}
