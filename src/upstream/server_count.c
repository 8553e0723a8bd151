#include "upstream/server_count.h"

#include "net/queue_mark.h"
#include "upstream/connection.h"

enum counted {
    COUNTED_REQUESTS = 1,
    COUNTED_CONNECTIONS,
};

static uint32_t *find_cell(struct server_count *count, enum counted counted)
{
    return counted == COUNTED_REQUESTS ? &count->requests : &count->connections;
}

static void count_up(struct server *server, enum counted counted)
{
    ++*find_cell(&server->own_count, counted);
    if (counted == COUNTED_REQUESTS)
        core_metrics_add(server->metrics.requests, 1);
    if (server->counts != NULL) {
        uint32_t *cell = find_cell(&server->counts[server->group->row], counted);
        /* in one order with the sums of others, for max_requests to be exact */
        __atomic_fetch_add(cell, 1, __ATOMIC_SEQ_CST);
    }
}

/* A row that was cleared under us must not turn into four thousand million. */
static void count_down(struct server *server, enum counted counted)
{
    --*find_cell(&server->own_count, counted);
    if (counted == COUNTED_REQUESTS)
        core_metrics_add(server->metrics.requests, -1);
    if (server->counts != NULL) {
        uint32_t *cell = find_cell(&server->counts[server->group->row], counted);
        uint32_t value = __atomic_load_n(cell, __ATOMIC_RELAXED);
        if (value != 0)
            __atomic_store_n(cell, value - 1, __ATOMIC_RELAXED);
    }
}

/* Of rows that workers use: never beyond the table, whatever the shared number says. */
static uint32_t count_rows(const struct server_group *group)
{
    uint32_t rows = __atomic_load_n(group->rows_used, __ATOMIC_RELAXED);
    if (rows <= group->row)
        rows = group->row + 1;
    return rows < SERVER_COUNT_ROWS ? rows : SERVER_COUNT_ROWS;
}

static uint64_t sum(const struct server *server, enum counted counted)
{
    if (server->counts == NULL)
        return counted == COUNTED_REQUESTS ? server->own_count.requests : server->own_count.connections;
    uint64_t total = 0;
    uint32_t rows = count_rows(server->group);
    for (uint32_t i = 0; i < rows; ++i)
        total += __atomic_load_n(find_cell(&server->counts[i], counted), __ATOMIC_SEQ_CST);
    return total;
}

static uint64_t sum_group(const struct server_group *group, enum counted counted)
{
    uint64_t total = 0;
    for (size_t i = 0; i < group->count; ++i) {
        if (!group->servers[i].is_repeated)
            total += sum(&group->servers[i], counted);
    }
    return total;
}

/* Whether there are no more than `most` of them, 0 being any number. */
static bool is_within(const struct server *server, enum counted counted, uint32_t most, uint32_t most_of_group,
                      uint32_t more)
{
    if (most != 0 && sum(server, counted) + more > most)
        return false;
    return most_of_group == 0 || sum_group(server->group, counted) + more <= most_of_group;
}

static bool is_within_requests(const struct server *server, uint32_t more)
{
    return is_within(server, COUNTED_REQUESTS, server->settings->max_requests, server->upstream->max_requests, more);
}

static bool is_within_connections(const struct server *server, uint32_t more)
{
    return is_within(server, COUNTED_CONNECTIONS, server->settings->max_connections, server->upstream->max_connections,
                     more);
}

/* The connection that has been idle longest among those whose end would let the server open one: its own where it is
 * at its own limit, any of the upstream's otherwise. */
static struct connection *find_idle(const struct server *server)
{
    uint32_t most = server->settings->max_connections;
    if (most != 0 && sum(server, COUNTED_CONNECTIONS) >= most)
        return server->oldest;
    struct connection *found = NULL;
    for (size_t i = 0; i < server->group->count; ++i) {
        struct connection *oldest = server->group->servers[i].oldest;
        if (oldest != NULL && (found == NULL || oldest->idle_since_ms < found->idle_since_ms))
            found = oldest;
    }
    return found;
}

bool server_group_needs_counts(const struct server_group *group)
{
    enum balance_kind kind = group->upstream->balance.kind;
    return group->has_limits || kind == BALANCE_LEAST_REQUESTS || kind == BALANCE_RANDOM_TWO;
}

uint64_t server_requests(const struct server *server)
{
    return sum(server, COUNTED_REQUESTS);
}

static bool has_idle(const struct server_group *group)
{
    for (size_t i = 0; i < group->count; ++i) {
        if (group->servers[i].oldest != NULL)
            return true;
    }
    return false;
}

void server_group_look(struct server_group *group)
{
    uint32_t most_requests = group->upstream->max_requests, most_connections = group->upstream->max_connections;
    group->has_no_request = most_requests != 0 && sum_group(group, COUNTED_REQUESTS) >= most_requests;
    group->has_no_connection =
        most_connections != 0 && sum_group(group, COUNTED_CONNECTIONS) >= most_connections && !has_idle(group);
}

/* A server without an idle connection has none to give up for its own limit. */
bool server_is_busy(const struct server *server)
{
    const struct server_group *group = server->group;
    if (!group->has_limits)
        return false;
    if (group->has_no_request || !is_within(server, COUNTED_REQUESTS, server->settings->max_requests, 0, 1))
        return true;
    return server->newest == NULL && (group->has_no_connection ||
                                      !is_within(server, COUNTED_CONNECTIONS, server->settings->max_connections, 0, 1));
}

bool server_reserve(struct server *server)
{
    struct server_group *group = server->group;
    if (!group->has_limits)
        return true;
    count_up(server, COUNTED_REQUESTS);
    if (!is_within_requests(server, 0)) {
        count_down(server, COUNTED_REQUESTS);
        return false;
    }
    group->reserved = server;
    return true;
}

void server_group_unreserve(struct server_group *group)
{
    if (group->reserved != NULL)
        count_down(group->reserved, COUNTED_REQUESTS);
    group->reserved = NULL;
}

void server_group_leave(struct server_group *group)
{
    struct server *server = group->reserved;
    server_group_unreserve(group);
    if (server != NULL && server->oldest != NULL && !server_may_keep(server))
        connection_close(server->oldest);
}

uint64_t *server_group_waiting(const struct server_group *group)
{
    bool is_shared = group->has_limits && group->count != 0 && group->servers[0].counts != NULL;
    return is_shared ? &group->servers[0].state->waiting : NULL;
}

void server_begin(struct server *server)
{
    if (server->group->reserved == server)
        server->group->reserved = NULL;
    else
        count_up(server, COUNTED_REQUESTS);
}

void server_count_end(struct server *server)
{
    count_down(server, COUNTED_REQUESTS);
}

void server_connection_opened(struct server *server)
{
    count_up(server, COUNTED_CONNECTIONS);
}

void server_connection_closed(struct server *server)
{
    count_down(server, COUNTED_CONNECTIONS);
}

bool server_may_connect(struct server *server)
{
    if (!server->group->has_limits || is_within_connections(server, 1))
        return true;
    connection_close(find_idle(server));
    return is_within_connections(server, 1);
}

static bool shares_connections(const struct server *server)
{
    bool is_limited = server->settings->max_connections != 0 || server->upstream->max_connections != 0;
    return server->counts != NULL && is_limited && count_rows(server->group) != 1;
}

bool server_must_give_up(const struct server *server)
{
    return shares_connections(server) && !server_may_keep(server) &&
           queue_mark_is_set(server_group_waiting(server->group), loop_now_ms(server->loop));
}

int64_t server_idle_look_ms(const struct server *server)
{
    enum {
        LOOK_MS = 250,
    };
    int64_t keep_alive_ms = server->upstream->keep_alive_ms;
    return shares_connections(server) && keep_alive_ms > LOOK_MS ? LOOK_MS : keep_alive_ms;
}

bool server_may_keep(const struct server *server)
{
    if (server->counts == NULL || !server->group->has_limits || count_rows(server->group) == 1)
        return true;
    const struct server_settings *settings = server->settings;
    bool is_at_own = settings->max_connections != 0 && sum(server, COUNTED_CONNECTIONS) >= settings->max_connections;
    uint32_t most = server->upstream->max_connections;
    return !is_at_own && (most == 0 || sum_group(server->group, COUNTED_CONNECTIONS) < most);
}
