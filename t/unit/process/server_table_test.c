#include "process/server_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int open_table(void **state)
{
    *state = calloc(1, sizeof(struct server_table));
    return server_table_open(*state) ? 0 : -1;
}

static int close_table(void **state)
{
    server_table_close(*state);
    free(*state);
    return 0;
}

static int use(struct server_table *table, struct slice upstream, struct slice url)
{
    int number = server_table_take(table, upstream, url);
    if (number != -1)
        server_table_use(table, number);
    return number;
}

static struct server_states *attach(const struct server_table *table)
{
    struct server_states *states = server_region_attach(table->region.fd);
    assert_non_null(states);
    return states;
}

static void test_a_server_keeps_its_number_while_it_is_used(void **state)
{
    struct server_table *table = *state;
    int a = use(table, SLICE("shop"), SLICE("http://a"));
    int b = use(table, SLICE("shop"), SLICE("http://b"));
    int c = use(table, SLICE("blog"), SLICE("http://a"));
    assert_true(a != b && b != c && a != c);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://a")), a);
    server_table_release(table, a);
    assert_int_equal(server_table_find(table, SLICE("shop"), SLICE("http://a")), a);
    server_table_release(table, a);
    assert_int_equal(server_table_find(table, SLICE("shop"), SLICE("http://a")), -1);
    assert_int_equal(server_table_find(table, SLICE("shop"), SLICE("http://b")), b);
    assert_int_equal(server_table_find(table, SLICE("shophttp://a"), SLICE("")), -1);
}

static void test_what_a_worker_writes_stays_until_the_number_is_free(void **state)
{
    struct server_table *table = *state;
    int number = use(table, SLICE("shop"), SLICE("http://a"));
    struct server_states *states = attach(table);
    states->states[number].check = SERVER_CHECK_BAD;
    states->counts[number][1023].requests = 7;
    server_table_worker_starts(table, 1023);
    assert_int_equal(states->rows_used, 1024);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://a")), number);
    assert_int_equal(server_region_read(&table->region, (uint32_t)number).check, SERVER_CHECK_BAD);
    assert_int_equal(server_region_count(&table->region, (uint32_t)number).requests, 7);
    server_table_release(table, number);
    server_table_release(table, number);
    assert_int_equal(states->states[number].check, SERVER_CHECK_NONE);
    assert_int_equal(states->counts[number][1023].requests, 0);
    munmap(states, sizeof(*states));
}

static void test_a_dead_worker_has_nothing_under_way(void **state)
{
    struct server_table *table = *state;
    int a = use(table, SLICE("shop"), SLICE("http://a"));
    int b = use(table, SLICE("shop"), SLICE("http://b"));
    struct server_states *states = attach(table);
    server_table_worker_starts(table, 3);
    states->counts[a][2] = states->counts[a][3] = states->counts[b][3] = (struct server_count){5, 6};
    server_table_worker_died(table, 3);
    assert_int_equal(states->counts[a][3].requests, 0);
    assert_int_equal(states->counts[b][3].connections, 0);
    assert_int_equal(states->counts[a][2].requests, 5);
    struct server_count sum = server_region_count(&table->region, (uint32_t)a);
    assert_int_equal(sum.requests, 5);
    assert_int_equal(sum.connections, 6);
    server_table_worker_starts(table, SERVER_COUNT_ROWS + 5);
    server_table_worker_died(table, SERVER_COUNT_ROWS + 5);
    assert_int_equal(states->rows_used, 4);
    munmap(states, sizeof(*states));
}

static void test_draining_by_hand_is_restored(void **state)
{
    struct server_table *table = *state;
    int number = use(table, SLICE("shop"), SLICE("http://a"));
    server_table_drain(table, number, true);
    struct server_states *states = attach(table);
    assert_int_equal(states->states[number].is_drained, 1);
    states->states[number].is_drained = 0;
    use(table, SLICE("shop"), SLICE("http://a"));
    assert_int_equal(states->states[number].is_drained, 1);
    server_table_drain(table, number, false);
    assert_int_equal(states->states[number].is_drained, 0);
    munmap(states, sizeof(*states));
}

static void test_numbers_run_out_and_come_back(void **state)
{
    struct server_table *table = *state;
    char url[32];
    for (int i = 0; i < SERVER_STATES_COUNT; ++i) {
        snprintf(url, sizeof(url), "http://a:%d", i);
        assert_int_equal(use(table, SLICE("shop"), slice_from_text(url)), i);
    }
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://b")), -1);
    server_table_release(table, 77);
    server_table_release(table, 5);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://b")), 5);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://c")), 77);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://d")), -1);
    for (int i = 0; i < SERVER_STATES_COUNT; ++i)
        server_table_release(table, i);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://d")), 0);
}

static void test_names_that_do_not_print_get_no_number(void **state)
{
    struct server_table *table = *state;
    assert_int_equal(use(table, SLICE("sh\nop"), SLICE("http://a")), -1);
    assert_int_equal(use(table, SLICE("shop"), SLICE("http://a\x1b[1m")), -1);
}

static void test_looking_at_counts_takes_no_memory(void **state)
{
    struct server_table *table = *state;
    struct stat before, after;
    int number = use(table, SLICE("shop"), SLICE("http://a"));
    assert_int_equal(fstat(table->region.fd, &before), 0);
    server_table_worker_starts(table, SERVER_COUNT_ROWS - 1);
    server_table_worker_died(table, SERVER_COUNT_ROWS - 1);
    assert_int_equal(server_region_count(&table->region, (uint32_t)number).requests, 0);
    assert_int_equal(fstat(table->region.fd, &after), 0);
    assert_int_equal(after.st_blocks, before.st_blocks);
}

static void test_only_a_region_of_ours_is_attached(void **state)
{
    struct server_table *table = *state;
    int empty = memfd_create("test", MFD_CLOEXEC);
    assert_null(server_region_attach(-1));
    assert_null(server_region_attach(empty));
    assert_int_equal(ftruncate(empty, sizeof(struct server_states)), 0);
    assert_null(server_region_attach(empty));
    close(empty);
    table->region.states->version = SERVER_STATES_VERSION + 1;
    assert_null(server_region_attach(table->region.fd));
    assert_int_equal(ftruncate(table->region.fd, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_server_keeps_its_number_while_it_is_used, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_what_a_worker_writes_stays_until_the_number_is_free, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(test_a_dead_worker_has_nothing_under_way, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_draining_by_hand_is_restored, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_numbers_run_out_and_come_back, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_names_that_do_not_print_get_no_number, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_looking_at_counts_takes_no_memory, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_only_a_region_of_ours_is_attached, open_table, close_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
