#ifndef SERVER_PROBE_H
#define SERVER_PROBE_H

/* An upstream made by hand, for tests of what stands in server*.c. Servers are 10.0.0.1:1, 10.0.0.1:2 and so on, and
 * are called a, b, c where an order is told. */

#include "upstream/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    MOST_SERVERS = 256,
};

struct server_probe {
    struct server_settings settings[MOST_SERVERS];
    struct upstream_settings upstream;
    struct exchange exchange;
    struct tried_servers tried;
    struct loop *loop;
    struct server_group group;
};

static struct server_probe probe;

/* Settings of count servers, to be changed before open_group. */
static inline void set_servers(size_t count)
{
    memset(&probe, 0, sizeof(probe));
    for (size_t i = 0; i < count; ++i)
        probe.settings[i] = (struct server_settings){.host = SLICE("10.0.0.1"), .port = (uint16_t)(i + 1), .weight = 1};
    probe.upstream = (struct upstream_settings){
        .name = SLICE("shop"), .servers = probe.settings, .server_count = count, .keep_alive_ms = 1000};
}

static inline struct server_group *open_group(void)
{
    probe.loop = loop_create();
    server_group_init(&probe.group, &probe.upstream, probe.loop);
    probe.group.random = 1;
    return &probe.group;
}

static inline void close_group(void)
{
    server_group_finish(&probe.group);
    loop_destroy(probe.loop);
}

static inline void drain(size_t index, bool is_drained)
{
    probe.group.servers[index].state->is_drained = is_drained;
}

static inline void add_tried(size_t index)
{
    probe.tried.items[probe.tried.count++] = &probe.group.servers[index];
}

/* The server that a request gets: its index. */
static inline size_t choose_index(void)
{
    struct server *server;
    assert_int_equal(server_group_choose(&probe.group, &probe.exchange, &probe.tried, &server), SERVER_CHOSEN);
    return (size_t)(server - probe.group.servers);
}

static inline void expect_no_server(enum server_choice expected)
{
    struct server *server;
    assert_int_equal(server_group_choose(&probe.group, &probe.exchange, &probe.tried, &server), expected);
    assert_null(server);
}

/* The servers of as many requests as `expected` has letters, each over before the next. */
static inline void expect_order(const char *expected)
{
    char order[64] = "";
    assert_true(strlen(expected) < sizeof(order));
    for (size_t i = 0; i < strlen(expected); ++i) {
        size_t index = choose_index();
        server_begin(&probe.group.servers[index]);
        server_end(&probe.group.servers[index], SERVER_LEFT, 0);
        order[i] = (char)('a' + index);
    }
    assert_string_equal(order, expected);
}

/* Begins a request and says where. */
static inline struct server *begin_one(void)
{
    struct server *server = &probe.group.servers[choose_index()];
    server_begin(server);
    return server;
}

static inline void end_one(size_t index)
{
    server_end(&probe.group.servers[index], SERVER_LEFT, 0);
}

#endif
