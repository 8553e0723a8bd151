#include "proxy/proxy.h"

#include "base/alloc.h"
#include "base/core_metrics.h"
#include "base/slot.h"
#include "dispatch/access_log.h"
#include "dispatch/dispatch.h"
#include "dispatch/fetches.h"
#include "front/front_http1.h"
#include "front/front_http2.h"
#include "listen/accept_share.h"
#include "listen/listener.h"
#include "listen/newcomers.h"
#include "listen/tls_listener.h"
#include "net/resolver.h"
#include "net/socket_address.h"
#include "proxy/admin_site.h"
#include "proxy/admission.h"
#include "tls/tls_upstream.h"
#include "upstream/client.h"

#include <stdlib.h>

enum {
    YIELD_MS = 100, /* while draining, between two looks whether idle connections stand in others' way */
};

struct proxy {
    struct loop *loop;
    const struct settings *settings;
    struct runtime *runtime;
    struct slot *slot;
    struct client_limits *limits;
    struct series *requests_now, *tunnels_now; /* NULL: nobody counts */
    struct admission admission;
    struct access_log *access_log;
    struct resolver *resolver;
    struct client *client;
    struct tls_upstreams *tls_upstreams;
    struct tls_listeners *tls_listeners;
    const struct ticket_keys *tickets; /* NULL: not shared */
    struct dispatch *dispatch;
    struct fetches *fetches;
    struct newcomers *newcomers;
    struct front_http1 *front;
    struct front_http2 *http2;
    struct admin_site *admin;    /* NULL: there is none */
    struct listener **listeners; /* settings->listener_count, NULL where no socket was given */
    struct timer yield_timer;
    void (*on_drained)(void *data);
    void *drained_data;
};

static size_t count_connections(const struct proxy *proxy)
{
    return newcomers_count(proxy->newcomers) + front_http1_count(proxy->front) + front_http2_count(proxy->http2);
}

static void tell_if_drained(struct proxy *proxy)
{
    void (*on_drained)(void *data) = proxy->on_drained;
    if (on_drained == NULL || count_connections(proxy) != 0 || admin_site_is_awaited(proxy->admin))
        return;
    /* those that filters have begun for themselves are of use to others, as copies of requests are */
    if (fetches_drain(proxy->fetches))
        return;
    proxy->on_drained = NULL;
    on_drained(proxy->drained_data);
}

static void on_count(void *data)
{
    struct proxy *proxy = data;
    if (proxy->slot != NULL)
        __atomic_store_n(&proxy->slot->connections, (uint32_t)count_connections(proxy), __ATOMIC_RELAXED);
    tell_if_drained(proxy);
}

static void on_fetch_over(void *data)
{
    tell_if_drained(data);
}

static void on_accepted(void *data, int fd, const struct sockaddr *peer, const struct listener_settings *settings)
{
    struct proxy *proxy = data;
    struct socket *socket = socket_create(proxy->loop, fd, NULL, NULL);
    client_limits_count(proxy->limits, socket, settings);
    admission_accepted(&proxy->admission);
    newcomers_take(proxy->newcomers, socket, peer, settings);
}

static void on_come(void *data, struct socket *socket, const struct socket_end *peer, struct socket_end *local,
                    const struct listener_settings *settings)
{
    struct proxy *proxy = data;
    if (client_limits_admit(proxy->limits, socket, peer)) {
        front_http1_take(proxy->front, socket, peer, local, settings);
        return;
    }
    socket_close(socket);
    free(local);
}

static enum listener_turn decide(void *data, const struct listener_settings *settings)
{
    struct proxy *proxy = data;
    return admission_decide(&proxy->admission, settings);
}

static void on_missed(void *data)
{
    struct proxy *proxy = data;
    admission_missed(&proxy->admission);
}

static bool make_room(void *data)
{
    struct proxy *proxy = data;
    return admission_free_descriptor(&proxy->admission);
}

static void keep_room(void *data)
{
    struct proxy *proxy = data;
    admission_request_begins(&proxy->admission);
}

static void on_client_closed(void *data)
{
    struct proxy *proxy = data;
    for (size_t i = 0; proxy->admission.is_full && i < proxy->settings->listener_count; ++i) {
        if (proxy->listeners[i] != NULL)
            listener_look(proxy->listeners[i]);
    }
}

static void show_exchanges(const struct proxy *proxy)
{
    struct slot *slot = proxy->slot;
    __atomic_store_n(&slot->tunnels, (uint32_t)dispatch_tunnel_count(proxy->dispatch), __ATOMIC_RELAXED);
    __atomic_store_n(&slot->requests, (uint32_t)dispatch_request_count(proxy->dispatch), __ATOMIC_RELAXED);
}

static void on_turn(void *data)
{
    struct proxy *proxy = data;
    if (proxy->access_log != NULL)
        access_log_flush(proxy->access_log);
    core_metrics_set(proxy->requests_now, (double)runtime_exchange_count(proxy->runtime));
    core_metrics_set(proxy->tunnels_now, (double)dispatch_tunnel_count(proxy->dispatch));
    if (proxy->slot != NULL)
        show_exchanges(proxy);
}

struct proxy *proxy_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                           int access_log_fd, struct slot *slot)
{
    static const struct newcomers_events events = {.on_come = on_come, .on_count = on_count};
    struct proxy *proxy = mem_alloc(sizeof(*proxy));
    *proxy = (struct proxy){.loop = loop, .settings = settings, .runtime = runtime, .slot = slot};
    proxy->access_log = access_log_create(access_log_fd, settings->style, &settings->access_log);
    proxy->resolver = resolver_create(loop, &settings->resolver);
    proxy->client = client_create(settings, loop, proxy->resolver);
    proxy->dispatch = dispatch_create(loop, settings, runtime, proxy->client, proxy->access_log);
    proxy->fetches = fetches_create(loop, runtime, proxy->client, on_fetch_over, proxy);
    proxy->front = front_http1_create(loop, settings, proxy->dispatch, on_count, proxy);
    proxy->http2 = front_http2_create(loop, settings, proxy->dispatch, on_count, proxy);
    front_http1_use_http2(proxy->front, proxy->http2);
    proxy->newcomers = newcomers_create(loop, settings, &events, proxy);
    proxy->limits = client_limits_create(settings, loop, on_client_closed, proxy);
    proxy->admission = (struct admission){
        .loop = loop,
        .limits = proxy->limits,
        .front = proxy->front,
        .http2 = proxy->http2,
        .client = proxy->client,
    };
    proxy->listeners = mem_zalloc((settings->listener_count + 1) * sizeof(*proxy->listeners));
    loop_set_turn(loop, on_turn, proxy);
    loop_set_room(loop, make_room, keep_room, proxy);
    return proxy;
}

void proxy_use_metrics(struct proxy *proxy, struct core_metrics *core)
{
    proxy->requests_now = core_metrics_find(core, CORE_REQUESTS_NOW, NULL);
    proxy->tunnels_now = core_metrics_find(core, CORE_TUNNELS_NOW, NULL);
    client_limits_use_metrics(proxy->limits, core);
    client_use_metrics(proxy->client, core);
    dispatch_use_metrics(proxy->dispatch, core);
}

void proxy_use_plan(struct proxy *proxy, const struct plan *plan)
{
    dispatch_use_plan(proxy->dispatch, plan);
}

void proxy_share_clients(struct proxy *proxy, struct client_counts *counts, uint32_t row)
{
    client_limits_share(proxy->limits, counts, row);
}

void proxy_share_tickets(struct proxy *proxy, const struct ticket_keys *tickets)
{
    proxy->tickets = tickets;
}

bool proxy_prepare(struct proxy *proxy, struct error *error)
{
    proxy->tls_upstreams = tls_upstreams_create(proxy->settings, error);
    if (proxy->tls_upstreams == NULL)
        return false;
    proxy->tls_listeners = tls_listeners_create(proxy->settings, proxy->tickets, error);
    if (proxy->tls_listeners == NULL)
        return false;
    client_use_tls(proxy->client, proxy->tls_upstreams);
    front_http1_use_tls(proxy->front, proxy->tls_listeners);
    front_http2_use_tls(proxy->http2, proxy->tls_listeners);
    return true;
}

void proxy_warn(const struct proxy *proxy)
{
    tls_listeners_warn(proxy->tls_listeners);
    tls_upstreams_warn(proxy->settings);
}

void proxy_share_servers(struct proxy *proxy, struct server_states *states, uint32_t row, const uint32_t *numbers)
{
    client_share_servers(proxy->client, states, row, numbers);
}

static void on_yield(struct timer *timer)
{
    struct proxy *proxy = timer->data;
    timer_start(proxy->loop, timer, YIELD_MS);
    admission_yield(&proxy->admission, NULL);
    for (size_t i = 0; i < proxy->settings->listener_count; ++i)
        admission_yield(&proxy->admission, &proxy->settings->listeners[i]);
}

static void show_accepting(struct proxy *proxy, bool is_accepting)
{
    if (proxy->slot != NULL)
        __atomic_store_n(&proxy->slot->is_accepting, is_accepting, __ATOMIC_RELAXED);
}

static void stop_accepting(struct proxy *proxy)
{
    show_accepting(proxy, false);
    for (size_t i = 0; i < proxy->settings->listener_count; ++i) {
        listener_destroy(proxy->listeners[i]);
        proxy->listeners[i] = NULL;
    }
}

void proxy_destroy(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    loop_set_turn(proxy->loop, NULL, NULL);
    loop_set_room(proxy->loop, NULL, NULL, NULL);
    stop_accepting(proxy);
    timer_stop(proxy->loop, &proxy->yield_timer);
    admin_site_destroy(proxy->admin);
    newcomers_destroy(proxy->newcomers);
    front_http1_destroy(proxy->front);
    front_http2_destroy(proxy->http2);
    dispatch_destroy(proxy->dispatch);
    fetches_destroy(proxy->fetches);
    client_destroy(proxy->client);
    tls_upstreams_destroy(proxy->tls_upstreams);
    tls_listeners_destroy(proxy->tls_listeners);
    resolver_destroy(proxy->resolver);
    access_log_destroy(proxy->access_log);
    client_limits_destroy(proxy->limits);
    accept_share_destroy(proxy->admission.share);
    free(proxy->listeners);
    free(proxy);
}

void proxy_add_listener(struct proxy *proxy, size_t index, int fd)
{
    static const struct listener_events events = {.decide = decide, .on_accepted = on_accepted, .on_missed = on_missed};
    const struct listener_settings *settings = &proxy->settings->listeners[index];
    char address[INET6_ADDRSTRLEN];
    uint16_t port;
    socket_address_print_local(fd, address, &port);
    if (settings->tls != NULL && !settings->is_unix)
        dispatch_note_https(proxy->dispatch, port);
    proxy->listeners[index] = listener_create(proxy->loop, fd, settings, &events, proxy);
}

static void on_admin_count(void *data)
{
    tell_if_drained(data);
}

void proxy_add_admin(struct proxy *proxy, const struct admin_sources *sources, int fd)
{
    struct access_log *access_log = proxy->settings->admin.is_logged ? proxy->access_log : NULL;
    proxy->admin =
        admin_site_create(proxy->loop, proxy->settings, proxy->runtime, access_log, sources, fd, on_admin_count, proxy);
}

void proxy_stop_admin(struct proxy *proxy, bool is_last)
{
    if (is_last)
        admin_site_leave(proxy->admin);
    else
        admin_site_stop(proxy->admin);
}

void proxy_share_accepting(struct proxy *proxy, const struct slot *slots, size_t count)
{
    if (proxy->slot != NULL)
        proxy->admission.share = accept_share_create(slots, count, (size_t)(proxy->slot - slots));
}

void proxy_accept(struct proxy *proxy)
{
    show_accepting(proxy, true);
    admission_begin(&proxy->admission);
    client_start_checks(proxy->client);
    tls_listeners_start_fetching(proxy->tls_listeners, proxy->loop, proxy->resolver);
    admin_site_accept(proxy->admin);
    for (size_t i = 0; i < proxy->settings->listener_count; ++i) {
        if (proxy->listeners[i] != NULL)
            listener_start(proxy->listeners[i]);
    }
}

void proxy_accept_waiting(struct proxy *proxy)
{
    proxy->admission.leaving = NULL; /* whoever waits now has no other to make room for */
    for (size_t i = 0; i < proxy->settings->listener_count; ++i) {
        if (proxy->listeners[i] != NULL)
            listener_accept_waiting(proxy->listeners[i]);
    }
}

void proxy_drain(struct proxy *proxy, void (*on_drained)(void *data), void *data)
{
    proxy->on_drained = on_drained;
    proxy->drained_data = data;
    stop_accepting(proxy);
    client_stop_checks(proxy->client);
    tls_listeners_stop_fetching(proxy->tls_listeners);
    front_http1_drain(proxy->front);
    front_http2_drain(proxy->http2);
    proxy->yield_timer = (struct timer){.on_timeout = on_yield, .data = proxy};
    timer_start(proxy->loop, &proxy->yield_timer, YIELD_MS);
    tell_if_drained(proxy);
}

void proxy_close_idle(struct proxy *proxy)
{
    timer_stop(proxy->loop, &proxy->yield_timer); /* none will be idle any more */
    newcomers_close(proxy->newcomers, true);
    admin_site_close_idle(proxy->admin);
    front_http1_close_idle(proxy->front);
    front_http2_close_idle(proxy->http2);
}

size_t proxy_cut_requests(struct proxy *proxy, uint64_t began_before_us)
{
    size_t count = front_http1_cut_requests(proxy->front, began_before_us) +
                   front_http2_cut_requests(proxy->http2, began_before_us);
    if (count_connections(proxy) != 0)
        return count;
    count += fetches_drain(proxy->fetches);
    fetches_cut(proxy->fetches);
    return count;
}

bool proxy_has_lost_all(const struct proxy *proxy)
{
    return count_connections(proxy) == front_http1_count_closed(proxy->front) + front_http2_count_closed(proxy->http2);
}

size_t proxy_leave_tunnels(struct proxy *proxy)
{
    size_t count = dispatch_tunnel_count(proxy->dispatch);
    dispatch_leave_tunnels(proxy->dispatch);
    return count;
}

void proxy_cut(struct proxy *proxy)
{
    stop_accepting(proxy);
    client_stop_checks(proxy->client);
    tls_listeners_stop_fetching(proxy->tls_listeners);
    newcomers_close(proxy->newcomers, false);
    admin_site_cut(proxy->admin);
    front_http1_cut(proxy->front);
    front_http2_cut(proxy->http2);
    fetches_cut(proxy->fetches);
}

void proxy_reopen_access_log(struct proxy *proxy, int fd)
{
    access_log_reopen(proxy->access_log, fd);
}
