#include "listen/client_limits.h"

#include "base/alloc.h"
#include "base/core_metrics.h"
#include "base/log.h"
#include "net/log_pace.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    RESERVE_TRIES = 100, /* at a place that two workers take from each other */
    FULL_MS = 500,       /* who waits is told of more often */
};

struct client_limits {
    const struct settings *settings;
    struct loop *loop;
    struct client_counts *counts;
    struct client_counts *own_counts; /* where nothing is shared: with one row */
    struct client_row *row;
    uint64_t *keys;                   /* of the listeners */
    struct listener_metrics *metrics; /* likewise; NULL: nobody counts */
    size_t own;
    const struct listener_settings *reserved; /* whose next connection is counted already; NULL: none */
    void (*on_closed)(void *data);
    void *data;
    struct log_pace refusals;
};

struct listener_metrics {
    struct series *total, *now;
};

/* What goes with a socket, to be undone when it is closed. */
struct counted {
    struct client_limits *limits;
    size_t listener;
    uint64_t address_key;
    bool has_address;
};

/* The same listener has the same key in all workers and generations; a port that was not chosen is told by its place.
 */
static uint64_t make_key(const struct listener_settings *listener, size_t index)
{
    uint64_t key =
        slice_hash(listener->host) ^ (listener->port == 0 && !listener->is_unix ? 0x10000 + index : listener->port);
    return key == 0 ? 1 : key;
}

struct client_limits *client_limits_create(const struct settings *settings, struct loop *loop,
                                           void (*on_closed)(void *data), void *data)
{
    struct client_limits *limits = mem_alloc(sizeof(*limits));
    *limits = (struct client_limits){.settings = settings, .loop = loop, .on_closed = on_closed, .data = data};
    limits->own_counts = mem_zalloc(offsetof(struct client_counts, rows) + sizeof(struct client_row));
    limits->own_counts->rows_used = 1;
    limits->counts = limits->own_counts;
    limits->row = &limits->own_counts->rows[0];
    limits->keys = mem_alloc((settings->listener_count + 1) * sizeof(*limits->keys));
    for (size_t i = 0; i < settings->listener_count; ++i)
        limits->keys[i] = make_key(&settings->listeners[i], i);
    return limits;
}

void client_limits_destroy(struct client_limits *limits)
{
    if (limits == NULL)
        return;
    free(limits->own_counts);
    free(limits->keys);
    free(limits->metrics);
    free(limits);
}

void client_limits_share(struct client_limits *limits, struct client_counts *counts, uint32_t row)
{
    if (row >= CLIENT_COUNT_ROWS)
        return;
    free(limits->own_counts);
    limits->own_counts = NULL;
    limits->counts = counts;
    limits->row = &counts->rows[row];
}

/* Its name, or its address as it is written. */
static struct slice name_of(const struct listener_settings *listener, struct text *room)
{
    bool is_six = !listener->is_unix && slice_find(listener->host, ':') != listener->host.length;
    if (listener->name.length != 0)
        return listener->name;
    text_clear(room);
    if (listener->is_unix)
        text_print(room, "unix:%.*s", SLICE_ARG(listener->host));
    else
        text_print(room, is_six ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(listener->host), listener->port);
    return text_slice(room);
}

void client_limits_use_metrics(struct client_limits *limits, struct core_metrics *core)
{
    const struct settings *settings = limits->settings;
    struct text room = TEXT_INIT;
    limits->metrics = mem_zalloc((settings->listener_count + 1) * sizeof(*limits->metrics));
    for (size_t i = 0; i < settings->listener_count; ++i) {
        struct slice name = name_of(&settings->listeners[i], &room);
        limits->metrics[i].total = core_metrics_find(core, CORE_CONNECTIONS, &name);
        limits->metrics[i].now = core_metrics_find(core, CORE_CONNECTIONS_NOW, &name);
    }
    text_finish(&room);
}

static size_t index_of(const struct client_limits *limits, const struct listener_settings *listener)
{
    return (size_t)(listener - limits->settings->listeners);
}

static void change_count(const struct client_limits *limits, size_t listener, int change)
{
    client_counts_add(limits->row, listener, limits->keys[listener], change);
}

/* Which limit is exceeded by what is counted with so many more. */
static enum client_limit find_limit(const struct client_limits *limits, const struct listener_settings *listener,
                                    uint64_t more)
{
    int64_t most = limits->settings->max_connections, of_listener = listener->max_connections;
    if (of_listener != 0 && client_counts_of_listener(limits->counts, limits->keys[index_of(limits, listener)]) + more >
                                (uint64_t)of_listener)
        return CLIENT_LIMIT_LISTENER;
    if (most != 0 && client_counts_total(limits->counts) + more > (uint64_t)most)
        return CLIENT_LIMIT_ALL;
    return CLIENT_LIMIT_NONE;
}

enum client_limit client_limits_look(const struct client_limits *limits, const struct listener_settings *listener)
{
    return find_limit(limits, listener, 1);
}

/* As with addresses (client_counts_try_enter), whoever is counted first cannot be one too many. */
enum client_limit client_limits_reserve(struct client_limits *limits, const struct listener_settings *listener)
{
    enum client_limit limit = CLIENT_LIMIT_NONE;
    if (limits->settings->max_connections == 0 && listener->max_connections == 0)
        return CLIENT_LIMIT_NONE;
    for (int i = 0; i < RESERVE_TRIES; ++i) {
        change_count(limits, index_of(limits, listener), 1);
        limit = find_limit(limits, listener, 0);
        if (limit == CLIENT_LIMIT_NONE) {
            limits->reserved = listener;
            return CLIENT_LIMIT_NONE;
        }
        change_count(limits, index_of(limits, listener), -1);
        if (client_limits_look(limits, listener) != CLIENT_LIMIT_NONE)
            break;
    }
    return limit;
}

void client_limits_release(struct client_limits *limits)
{
    if (limits->reserved != NULL)
        change_count(limits, index_of(limits, limits->reserved), -1);
    limits->reserved = NULL;
}

void client_limits_tell_full(struct client_limits *limits, enum client_limit limit,
                             const struct listener_settings *listener)
{
    uint64_t key = limit == CLIENT_LIMIT_LISTENER ? limits->keys[index_of(limits, listener)] : 0;
    client_counts_note_full(limits->row, key, loop_now_ms(limits->loop));
}

bool client_limits_is_full(const struct client_limits *limits, const struct listener_settings *listener)
{
    uint64_t key = listener == NULL ? 0 : limits->keys[index_of(limits, listener)];
    return client_counts_is_full(limits->counts, key, loop_now_ms(limits->loop), FULL_MS);
}

static void on_socket_closed(void *data)
{
    struct counted *counted = data;
    struct client_limits *limits = counted->limits;
    --limits->own;
    change_count(limits, counted->listener, -1);
    if (limits->metrics != NULL)
        core_metrics_add(limits->metrics[counted->listener].now, -1);
    if (counted->has_address)
        client_counts_leave(limits->row, counted->address_key);
    free(counted);
    limits->on_closed(limits->data);
}

void client_limits_count(struct client_limits *limits, struct socket *socket, const struct listener_settings *listener)
{
    struct counted *counted = mem_alloc(sizeof(*counted));
    *counted = (struct counted){.limits = limits, .listener = index_of(limits, listener)};
    ++limits->own;
    if (limits->metrics != NULL) {
        core_metrics_add(limits->metrics[counted->listener].total, 1);
        core_metrics_add(limits->metrics[counted->listener].now, 1);
    }
    if (limits->reserved == NULL)
        change_count(limits, counted->listener, 1);
    limits->reserved = NULL;
    socket_watch_close(socket, on_socket_closed, counted);
}

static unsigned parse_address(const char *text, unsigned char bytes[16])
{
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static bool refuse(struct client_limits *limits, const struct socket_end *peer)
{
    if (log_pace_allows(&limits->refusals, loop_now_ms(limits->loop)))
        log_line(LOG_LEVEL_WARNING,
                 "%s has %" PRId64 " connections, as many as max_connections_per_address allows: a further one is "
                 "closed (refusal %" PRIu64 " of this worker)",
                 peer->address, limits->settings->max_connections_per_address, limits->refusals.count);
    return false;
}

bool client_limits_admit(struct client_limits *limits, struct socket *socket, const struct socket_end *peer)
{
    const struct settings *settings = limits->settings;
    int64_t most = settings->max_connections_per_address;
    unsigned char bytes[16];
    unsigned length;
    if (most == 0 || (length = parse_address(peer->address, bytes)) == 0 ||
        address_ranges_hold(settings->trusted_proxies, settings->trusted_proxy_count, bytes, length))
        return true;
    struct counted *counted = socket_close_watcher(socket);
    counted->address_key = client_counts_key(limits->counts, bytes, length);
    enum client_entry entry =
        client_counts_try_enter(limits->counts, limits->row, counted->address_key, (uint64_t)most);
    counted->has_address = entry == CLIENT_ENTERED;
    return entry != CLIENT_TOO_MANY || refuse(limits, peer);
}

size_t client_limits_own(const struct client_limits *limits)
{
    return limits->own;
}
