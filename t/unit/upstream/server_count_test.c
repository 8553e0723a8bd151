#include "upstream/server_count.h"

#include "server_probe.h"

/* A second worker with the same upstream, and what the two share. */
static struct server_group other;
static struct server_states *states;
static const uint32_t numbers[] = {7, 9, 4095};

static void open_workers(void)
{
    open_group();
    server_group_init(&other, &probe.upstream, probe.loop);
    states = calloc(1, sizeof(*states));
    states->rows_used = 2;
    server_group_share(&probe.group, states, 0, numbers);
    server_group_share(&other, states, 1, numbers);
}

static void close_workers(void)
{
    server_group_finish(&other);
    close_group();
    free(states);
}

static enum server_choice choose_in(struct server_group *group)
{
    struct server *server;
    return server_group_choose(group, &probe.exchange, &probe.tried, &server);
}

static void keeps_to_the_limit_of_a_server(void **state)
{
    set_servers(2);
    probe.settings[0].max_requests = 2;
    probe.settings[1].max_requests = 1;
    open_group();
    begin_one();
    begin_one();
    assert_ptr_equal(begin_one(), &probe.group.servers[0]);
    expect_no_server(SERVER_BUSY);
    end_one(1);
    expect_order("bb");
    drain(1, true);
    expect_no_server(SERVER_BUSY);
    drain(0, true);
    expect_no_server(SERVER_NONE);
    close_group();
}

static void keeps_to_the_limit_of_the_upstream(void **state)
{
    set_servers(3);
    probe.upstream.max_requests = 4;
    open_group();
    for (int i = 0; i < 4; ++i)
        begin_one();
    expect_no_server(SERVER_BUSY);
    end_one(2);
    assert_ptr_equal(begin_one(), &probe.group.servers[1]);
    expect_no_server(SERVER_BUSY);
    close_group();
}

static void limits_a_sole_server(void **state)
{
    set_servers(1);
    probe.upstream.max_requests = 1;
    open_group();
    begin_one();
    expect_no_server(SERVER_BUSY);
    add_tried(0);
    expect_no_server(SERVER_NONE);
    close_group();
}

static void waits_rather_than_ask_a_backup(void **state)
{
    set_servers(2);
    probe.settings[0].max_requests = 1;
    probe.settings[1].is_backup = true;
    open_group();
    assert_ptr_equal(begin_one(), &probe.group.servers[0]);
    expect_no_server(SERVER_BUSY);
    drain(0, true);
    expect_order("bb");
    close_group();
}

static void limits_every_kind_of_balancing(void **state)
{
    static const enum balance_kind kinds[] = {BALANCE_ROUND_ROBIN, BALANCE_LEAST_REQUESTS, BALANCE_RANDOM_TWO,
                                              BALANCE_HASH};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        set_servers(3);
        probe.upstream.balance.kind = kinds[i];
        probe.exchange.peer_address = SLICE("192.0.2.1");
        for (size_t j = 0; j < 3; ++j)
            probe.settings[j].max_requests = (uint32_t)j + 1;
        open_group();
        for (int j = 0; j < 6; ++j)
            begin_one();
        expect_no_server(SERVER_BUSY);
        for (uint32_t j = 0; j < 3; ++j)
            assert_int_equal(probe.group.servers[j].own_count.requests, j + 1);
        close_group();
    }
}

static void counts_those_of_all_workers(void **state)
{
    set_servers(1);
    probe.settings[0].max_requests = 3;
    open_workers();
    begin_one();
    begin_one();
    assert_int_equal(choose_in(&other), SERVER_CHOSEN);
    server_begin(&other.servers[0]);
    assert_int_equal(server_requests(&other.servers[0]), 3);
    assert_int_equal(choose_in(&other), SERVER_BUSY);
    expect_no_server(SERVER_BUSY);
    assert_int_equal(states->counts[7][0].requests, 2);
    assert_int_equal(states->counts[7][1].requests, 1);
    end_one(0);
    assert_int_equal(choose_in(&other), SERVER_CHOSEN);
    close_workers();
}

/* Between being chosen and being begun the place is taken, for other workers too. */
static void holds_a_place_until_it_is_begun(void **state)
{
    set_servers(1);
    probe.settings[0].max_requests = 1;
    open_workers();
    assert_int_equal(choose_in(&probe.group), SERVER_CHOSEN);
    assert_int_equal(choose_in(&other), SERVER_BUSY);
    assert_int_equal(choose_in(&probe.group), SERVER_CHOSEN);
    server_begin(&probe.group.servers[0]);
    assert_int_equal(server_requests(&probe.group.servers[0]), 1);
    end_one(0);
    assert_int_equal(choose_in(&other), SERVER_CHOSEN);
    assert_int_equal(choose_in(&probe.group), SERVER_BUSY);
    server_group_unreserve(&other);
    assert_int_equal(choose_in(&probe.group), SERVER_CHOSEN);
    close_workers();
}

static void compares_the_load_of_all_workers(void **state)
{
    set_servers(2);
    probe.upstream.balance.kind = BALANCE_LEAST_REQUESTS;
    open_workers();
    server_begin(&other.servers[0]);
    expect_order("bbb");
    server_begin(&other.servers[1]);
    server_begin(&other.servers[1]);
    expect_order("aaa");
    close_workers();
}

/* The same URL twice is one server to the supervisor. */
static void counts_once_what_is_written_twice(void **state)
{
    set_servers(3);
    probe.upstream.max_requests = 3;
    open_group();
    states = calloc(1, sizeof(*states));
    server_group_share(&probe.group, states, 0, (const uint32_t[]){5, 6, 5});
    for (int i = 0; i < 3; ++i)
        begin_one();
    expect_no_server(SERVER_BUSY);
    assert_int_equal(states->counts[5][0].requests, 2);
    close_group();
    free(states);
}

static void counts_nothing_in_shared_memory_without_need(void **state)
{
    set_servers(2);
    open_workers();
    begin_one();
    server_connection_opened(&probe.group.servers[0]);
    assert_null(probe.group.servers[0].counts);
    assert_int_equal(server_requests(&probe.group.servers[0]), 1);
    assert_int_equal(states->counts[7][0].requests, 0);
    assert_ptr_equal(probe.group.servers[1].state, &states->states[9]);
    close_workers();
}

static void survives_nonsense_in_shared_memory(void **state)
{
    set_servers(1);
    probe.settings[0].max_requests = 10;
    open_workers();
    begin_one();
    states->rows_used = UINT32_MAX;
    assert_int_equal(server_requests(&probe.group.servers[0]), 1);
    states->counts[7][0].requests = 0;
    end_one(0);
    assert_int_equal(states->counts[7][0].requests, 0);
    states->rows_used = 0;
    begin_one();
    assert_int_equal(server_requests(&probe.group.servers[0]), 1);
    close_workers();
}

static void counts_alone_without_a_row(void **state)
{
    set_servers(2);
    probe.settings[0].max_requests = 1;
    open_group();
    states = calloc(1, sizeof(*states));
    server_group_share(&probe.group, states, SERVER_COUNT_ROWS, (const uint32_t[]){UINT32_MAX, 3});
    assert_true(probe.group.servers[0].is_state_own);
    assert_false(probe.group.servers[1].is_state_own);
    expect_order("abab");
    assert_ptr_equal(begin_one(), &probe.group.servers[0]);
    expect_order("bbb");
    close_group();
    free(states);
}

static void limits_connections(void **state)
{
    set_servers(2);
    probe.settings[0].max_connections = 1;
    probe.upstream.max_connections = 3;
    open_group();
    struct server *servers = probe.group.servers;
    assert_true(server_may_connect(&servers[0]));
    server_connection_opened(&servers[0]);
    assert_false(server_may_connect(&servers[0]));
    expect_order("bbb");
    server_connection_opened(&servers[1]);
    assert_true(server_may_connect(&servers[1]));
    server_connection_opened(&servers[1]);
    assert_false(server_may_connect(&servers[1]));
    expect_no_server(SERVER_BUSY);
    server_connection_closed(&servers[0]);
    assert_true(server_may_connect(&servers[1]));
    expect_order("ab");
    close_group();
}

static void keeps_no_connection_that_others_wait_for(void **state)
{
    set_servers(1);
    probe.settings[0].max_connections = 2;
    open_workers();
    struct server *mine = &probe.group.servers[0], *theirs = &other.servers[0];
    server_connection_opened(mine);
    assert_true(server_may_keep(mine));
    server_connection_opened(theirs);
    assert_false(server_may_keep(mine));
    assert_false(server_may_connect(theirs));
    server_connection_closed(mine);
    assert_true(server_may_keep(theirs));
    assert_true(server_may_connect(mine));
    close_workers();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_to_the_limit_of_a_server),
        cmocka_unit_test(keeps_to_the_limit_of_the_upstream),
        cmocka_unit_test(limits_a_sole_server),
        cmocka_unit_test(waits_rather_than_ask_a_backup),
        cmocka_unit_test(limits_every_kind_of_balancing),
        cmocka_unit_test(counts_those_of_all_workers),
        cmocka_unit_test(holds_a_place_until_it_is_begun),
        cmocka_unit_test(compares_the_load_of_all_workers),
        cmocka_unit_test(counts_once_what_is_written_twice),
        cmocka_unit_test(counts_nothing_in_shared_memory_without_need),
        cmocka_unit_test(survives_nonsense_in_shared_memory),
        cmocka_unit_test(counts_alone_without_a_row),
        cmocka_unit_test(limits_connections),
        cmocka_unit_test(keeps_no_connection_that_others_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
