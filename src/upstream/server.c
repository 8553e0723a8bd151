#include "upstream/server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "tls/tls_upstream.h"
#include "upstream/connection.h"
#include "upstream/server_choice.h"
#include "upstream/server_count.h"
#include "upstream/server_hash.h"
#include "upstream/server_health.h"

#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
};

/* A path that is too long leaves the address empty, and connecting to it fails. */
static void set_unix_address(struct server *server)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&server->address.storage;
    struct slice path = server->settings->host;
    address->sun_family = AF_UNIX;
    if (path.length < sizeof(address->sun_path))
        memcpy(address->sun_path, path.data, path.length);
    server->address.length = sizeof(*address);
}

static void init_server(struct server *server, const struct server_settings *settings,
                        const struct upstream_settings *upstream, struct loop *loop)
{
    *server = (struct server){.settings = settings, .upstream = upstream, .loop = loop};
    server->state = mem_zalloc(sizeof(*server->state));
    server->is_state_own = true;
    failure_log_init(&server->failures, loop, upstream->name, settings->url);
    server->idle_timer = (struct timer){.on_timeout = connection_on_idle_timeout, .data = server};
    if (settings->is_unix) {
        set_unix_address(server);
        server->is_numeric = true;
        text_add(&server->host, SLICE("localhost"));
        return;
    }
    server->is_numeric = resolver_parse(settings->host, settings->port, &server->address);
    bool is_bracketed = slice_find(settings->host, ':') != settings->host.length;
    text_print(&server->host, is_bracketed ? "[%.*s]" : "%.*s", SLICE_ARG(settings->host));
    if (settings->port != (settings->is_tls ? HTTPS_PORT : HTTP_PORT))
        text_print(&server->host, ":%u", (unsigned)settings->port);
}

static bool has_limits(const struct upstream_settings *upstream)
{
    bool has_any = upstream->max_requests != 0 || upstream->max_connections != 0;
    for (size_t i = 0; i < upstream->server_count; ++i)
        has_any |= upstream->servers[i].max_requests != 0 || upstream->servers[i].max_connections != 0;
    return has_any;
}

void server_group_init(struct server_group *group, const struct upstream_settings *upstream, struct loop *loop)
{
    *group = (struct server_group){.count = upstream->server_count, .upstream = upstream};
    group->servers = mem_zalloc(upstream->server_count * sizeof(struct server));
    for (size_t i = 0; i < upstream->server_count; ++i) {
        init_server(&group->servers[i], &upstream->servers[i], upstream, loop);
        group->servers[i].group = group;
        group->has_backups |= upstream->servers[i].is_backup;
    }
    group->has_limits = has_limits(upstream);
    server_group_identify(group);
    group->random = clock_monotonic_us() ^ (uint64_t)getpid() << 40;
}

static void give_up_state(struct server *server)
{
    if (server->is_state_own)
        free(server->state);
    server->state = NULL;
}

static bool is_among(uint32_t number, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

void server_group_share(struct server_group *group, struct server_states *states, uint32_t row, const uint32_t *numbers)
{
    bool is_counted = server_group_needs_counts(group) && row < SERVER_COUNT_ROWS;
    group->rows_used = &states->rows_used;
    group->row = row;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (numbers[i] >= SERVER_STATES_COUNT)
            continue;
        give_up_state(server);
        server->is_state_own = false;
        server->state = &states->states[numbers[i]];
        if (is_counted) {
            server->counts = states->counts[numbers[i]];
            server->is_repeated = is_among(numbers[i], numbers, i);
        }
    }
    server_group_stagger(group, row);
}

void server_group_use_tls(struct server_group *group, struct tls_upstream *tls)
{
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (server->settings->is_tls)
            server->tls = tls_peer_create(tls, server->settings);
    }
}

void server_group_finish(struct server_group *group)
{
    server_group_unreserve(group);
    for (size_t i = 0; i < group->count; ++i) {
        connection_close_idle(&group->servers[i]);
        failure_log_finish(&group->servers[i].failures);
        tls_peer_destroy(group->servers[i].tls);
        give_up_state(&group->servers[i]);
        text_finish(&group->servers[i].host);
    }
    free(group->servers);
    *group = (struct server_group){0};
}

uint32_t server_judge(struct server *server, int status)
{
    return server_note_answer(server, status, loop_now_ms(server->loop));
}

void server_break(struct server *server, uint32_t failures)
{
    server_note_failures(server, failures, loop_now_ms(server->loop));
}

void server_end(struct server *server, enum server_outcome outcome, int status)
{
    server_count_end(server);
    server_note_outcome(server, outcome, status, loop_now_ms(server->loop));
}
