#include "upstream/server_choice.h"

#include "server_probe.h"

static void set_weights(const unsigned *weights, size_t count)
{
    set_servers(count);
    for (size_t i = 0; i < count; ++i)
        probe.settings[i].weight = (uint32_t)weights[i];
}

static void takes_turns_by_weight(void **state)
{
    static const struct {
        unsigned weights[3];
        size_t count;
        const char *order;
    } cases[] = {
        {{1}, 1, "aaa"},         {{1, 1, 1}, 3, "abcabcabc"}, {{2, 1}, 2, "abaaba"}, {{5, 1, 1}, 3, "aabacaaaabacaa"},
        {{1, 3}, 2, "babbbabb"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        set_weights(cases[i].weights, cases[i].count);
        open_group();
        expect_order(cases[i].order);
        close_group();
    }
}

/* In every stretch of requests each server gets its share, give or take less than two. */
static void stays_close_to_the_weights(void **state)
{
    static const unsigned weights[] = {1, 7, 3, 256, 20, 1, 64, 9};
    enum { COUNT = sizeof(weights) / sizeof(weights[0]) };
    double total = 0;
    unsigned got[COUNT] = {0};
    for (size_t i = 0; i < COUNT; ++i)
        total += weights[i];
    set_weights(weights, COUNT);
    open_group();
    for (int i = 1; i <= 5000; ++i) {
        ++got[choose_index()];
        for (size_t j = 0; j < COUNT; ++j) {
            double difference = got[j] - i * weights[j] / total;
            assert_true(difference > -2 && difference < 2);
        }
    }
    close_group();
}

static void begins_elsewhere_in_each_worker(void **state)
{
    static const char *const orders[] = {"abc", "bca", "cab", "abc"};
    for (uint32_t row = 0; row < 4; ++row) {
        set_servers(3);
        open_group();
        server_group_stagger(&probe.group, row);
        expect_order(orders[row]);
        close_group();
    }
}

static void passes_over_who_cannot_serve(void **state)
{
    set_servers(3);
    open_group();
    add_tried(0);
    expect_order("bcbc");
    drain(1, true);
    expect_order("ccc");
    add_tried(2);
    expect_no_server(SERVER_NONE);
    probe.tried.count = 0;
    drain(0, true);
    drain(2, true);
    expect_no_server(SERVER_NONE);
    drain(1, false);
    expect_order("b");
    close_group();
}

/* Who comes back gets its share from then on, and nothing for the time that it was away. */
static void makes_nobody_catch_up(void **state)
{
    set_weights((const unsigned[]){1, 1, 200}, 3);
    open_group();
    for (size_t away = 0; away < 3; ++away) {
        drain(away, true);
        for (int i = 0; i < 1001; ++i)
            assert_int_not_equal(choose_index(), away);
        drain(away, false);
        unsigned got[3] = {0};
        for (int i = 0; i < 202; ++i)
            ++got[choose_index()];
        assert_in_range(got[0], 0, 3);
        assert_in_range(got[1], 0, 3);
        assert_in_range(got[2], 197, 202);
    }
    close_group();
}

/* The heavy server stays out, then the weights of all the others are a small part of what they were. */
static void keeps_its_accounts_when_weights_change(void **state)
{
    set_weights((const unsigned[]){256, 256, 256}, 3);
    open_group();
    expect_order("a");
    for (size_t i = 0; i < 3; ++i)
        probe.settings[i].weight = 1;
    unsigned got[3] = {0};
    for (int i = 0; i < 9; ++i) {
        ++got[choose_index()];
        for (size_t j = 0; j < 3; ++j)
            assert_true(got[j] <= (unsigned)i / 3 + 2);
    }
    close_group();
}

static void asks_backups_last(void **state)
{
    set_servers(4);
    probe.settings[0].is_backup = probe.settings[2].is_backup = true;
    open_group();
    expect_order("bdbd");
    drain(1, true);
    expect_order("dd");
    add_tried(3);
    expect_order("acac");
    add_tried(0);
    expect_order("cc");
    add_tried(2);
    expect_no_server(SERVER_NONE);
    close_group();
}

static void does_without_others_than_backups(void **state)
{
    set_servers(2);
    probe.settings[0].is_backup = probe.settings[1].is_backup = true;
    open_group();
    expect_order("abab");
    close_group();
}

static void takes_the_least_busy(void **state)
{
    set_servers(3);
    probe.upstream.balance.kind = BALANCE_LEAST_REQUESTS;
    open_group();
    expect_order("abcabc");
    struct server *servers = probe.group.servers;
    assert_ptr_equal(begin_one(), &servers[0]);
    expect_order("bcbc");
    assert_ptr_equal(begin_one(), &servers[1]);
    expect_order("cc");
    assert_ptr_equal(begin_one(), &servers[2]);
    end_one(1);
    expect_order("bbb");
    close_group();
}

static void takes_the_least_busy_by_weight(void **state)
{
    set_weights((const unsigned[]){1, 3}, 2);
    probe.upstream.balance.kind = BALANCE_LEAST_REQUESTS;
    open_group();
    for (int i = 0; i < 400; ++i)
        begin_one();
    assert_int_equal(probe.group.servers[0].own_count.requests, 100);
    assert_int_equal(probe.group.servers[1].own_count.requests, 300);
    close_group();
    set_weights((const unsigned[]){1, 3}, 2);
    probe.upstream.balance.kind = BALANCE_LEAST_REQUESTS;
    open_group();
    expect_order("babbbabb");
    close_group();
}

/* The seed is fixed, so that these numbers are always the same. */
static void draws_two_by_weight(void **state)
{
    unsigned got[4] = {0};
    set_weights((const unsigned[]){1, 1, 2, 4}, 4);
    probe.upstream.balance.kind = BALANCE_RANDOM_TWO;
    open_group();
    for (int i = 0; i < 80000; ++i)
        ++got[choose_index()];
    assert_in_range(got[0], 9700, 10300);
    assert_in_range(got[1], 9700, 10300);
    assert_in_range(got[2], 19600, 20400);
    assert_in_range(got[3], 39500, 40500);
    close_group();
}

static void never_draws_the_busiest(void **state)
{
    set_servers(3);
    probe.upstream.balance.kind = BALANCE_RANDOM_TWO;
    open_group();
    for (int i = 0; i < 3; ++i)
        server_begin(&probe.group.servers[1]);
    for (int i = 0; i < 2; ++i)
        server_begin(&probe.group.servers[2]);
    unsigned got[3] = {0};
    for (int i = 0; i < 3000; ++i)
        ++got[choose_index()];
    assert_in_range(got[0], 1900, 2100);
    assert_int_equal(got[1], 0);
    drain(0, true);
    expect_order("cccc");
    drain(2, true);
    expect_order("bbbb");
    close_group();
}

/* Each request goes to the less busy one of two, so none is ever far from the others. */
static void keeps_load_even(void **state)
{
    set_servers(10);
    probe.upstream.balance.kind = BALANCE_RANDOM_TWO;
    open_group();
    for (int i = 0; i < 10000; ++i)
        begin_one();
    for (size_t i = 0; i < 10; ++i)
        assert_in_range(probe.group.servers[i].own_count.requests, 990, 1010);
    close_group();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_turns_by_weight),
        cmocka_unit_test(stays_close_to_the_weights),
        cmocka_unit_test(begins_elsewhere_in_each_worker),
        cmocka_unit_test(passes_over_who_cannot_serve),
        cmocka_unit_test(makes_nobody_catch_up),
        cmocka_unit_test(keeps_its_accounts_when_weights_change),
        cmocka_unit_test(asks_backups_last),
        cmocka_unit_test(does_without_others_than_backups),
        cmocka_unit_test(takes_the_least_busy),
        cmocka_unit_test(takes_the_least_busy_by_weight),
        cmocka_unit_test(draws_two_by_weight),
        cmocka_unit_test(never_draws_the_busiest),
        cmocka_unit_test(keeps_load_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
