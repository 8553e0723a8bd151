#include "proxy/admin_site.h"

#include "base/alloc.h"
#include "base/supervision.h"
#include "front/front_http1.h"
#include "listen/listener.h"

#include <stdlib.h>

enum {
    MOST_CONNECTIONS = 64,
};

struct admin_site {
    struct loop *loop;
    struct admin_sources sources;
    struct dispatch *dispatch;
    struct front_http1 *front;
    struct listener *listener; /* NULL: it accepts no more */
};

/* Whoever comes is let in for one who rests. Where nobody does, it is looked again soon. */
static enum listener_turn decide(void *data, const struct listener_settings *settings)
{
    const struct admin_site *site = data;
    if (front_http1_count(site->front) < MOST_CONNECTIONS)
        return LISTENER_NOW;
    struct http1_connection *idle = front_http1_find_idle(site->front, NULL);
    if (idle == NULL)
        return LISTENER_FULL;
    front_http1_close_one(idle);
    return LISTENER_NOW;
}

static void on_accepted(void *data, int fd, const struct sockaddr *peer, const struct listener_settings *settings)
{
    const struct admin_site *site = data;
    struct socket_end end;
    socket_address_print(peer, end.address, &end.port);
    front_http1_take(site->front, socket_create(site->loop, fd, NULL, NULL), &end, NULL, settings);
}

static void on_missed(void *data)
{
}

struct admin_site *admin_site_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                                     struct access_log *access_log, const struct admin_sources *sources, int fd,
                                     void (*on_count)(void *data), void *data)
{
    static const struct listener_events events = {.decide = decide, .on_accepted = on_accepted, .on_missed = on_missed};
    struct admin_site *site = mem_alloc(sizeof(*site));
    *site = (struct admin_site){.loop = loop, .sources = *sources};
    site->dispatch = dispatch_create(loop, settings, runtime, NULL, access_log);
    dispatch_use_site(site->dispatch, &(struct dispatch_site){.answer = admin_answers_give, .data = &site->sources});
    site->front = front_http1_create(loop, settings, site->dispatch, on_count, data);
    site->listener = listener_create(loop, fd, &settings->admin.listener, &events, site);
    return site;
}

void admin_site_destroy(struct admin_site *site)
{
    if (site == NULL)
        return;
    listener_destroy(site->listener);
    front_http1_cut(site->front);
    front_http1_destroy(site->front);
    dispatch_destroy(site->dispatch);
    free(site);
}

void admin_site_accept(struct admin_site *site)
{
    if (site != NULL && site->listener != NULL)
        listener_start(site->listener);
}

void admin_site_stop(struct admin_site *site)
{
    if (site == NULL || site->listener == NULL)
        return;
    listener_destroy(site->listener);
    site->listener = NULL;
    front_http1_drain(site->front);
    front_http1_close_resting(site->front);
}

bool admin_site_is_awaited(const struct admin_site *site)
{
    return site != NULL && site->listener == NULL && front_http1_count(site->front) != front_http1_resting(site->front);
}

void admin_site_close_idle(struct admin_site *site)
{
    if (site != NULL && site->listener == NULL)
        front_http1_close_idle(site->front);
}

void admin_site_cut(struct admin_site *site)
{
    if (site != NULL)
        front_http1_cut(site->front);
}

static bool has_follower(const struct admin_site *site)
{
    const struct supervision *supervision = site->sources.supervision;
    return supervision != NULL && __atomic_load_n(&supervision->has_starter, __ATOMIC_RELAXED) != 0;
}

void admin_site_leave(struct admin_site *site)
{
    if (site == NULL)
        return;
    site->sources.is_stopping = true;
    if (has_follower(site))
        admin_site_stop(site);
}
