#include "base/client_counts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct client_counts *make_counts(uint32_t rows)
{
    struct client_counts *counts = calloc(1, sizeof(*counts));
    counts->rows_used = rows;
    counts->seed[0] = 0x0123456789abcdef;
    counts->seed[1] = 0xfedcba9876543210;
    return counts;
}

static void test_listeners_are_counted_over_rows(void **state)
{
    struct client_counts *counts = make_counts(3);
    client_counts_add(&counts->rows[0], 0, 7, 1);
    client_counts_add(&counts->rows[0], 1, 8, 1);
    client_counts_add(&counts->rows[2], 5, 7, 1); /* another generation may have another order */
    client_counts_add(&counts->rows[2], CLIENT_COUNT_LISTENERS, 9, 1);
    assert_int_equal(client_counts_total(counts), 4);
    assert_int_equal(client_counts_of_listener(counts, 7), 2);
    assert_int_equal(client_counts_of_listener(counts, 8), 1);
    assert_int_equal(client_counts_of_listener(counts, 9), 0);
    client_counts_add(&counts->rows[2], 5, 7, -1);
    assert_int_equal(client_counts_total(counts), 3);
    assert_int_equal(client_counts_of_listener(counts, 7), 1);
    free(counts);
}

static void test_addresses_are_told_apart(void **state)
{
    static const unsigned char four[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
    unsigned char six[16] = {0x20, 1, 0xd, 0xb8};
    struct client_counts *counts = make_counts(2);
    uint64_t first = client_counts_key(counts, four[0], 4), second = client_counts_key(counts, four[1], 4);
    uint64_t network = client_counts_key(counts, six, 16);
    assert_true(first != second);
    six[15] = 1;
    assert_int_equal(client_counts_key(counts, six, 16), network);
    six[7] = 1;
    assert_true(client_counts_key(counts, six, 16) != network);
    for (int i = 0; i < 3; ++i)
        assert_true(client_counts_enter(&counts->rows[i % 2], first));
    assert_true(client_counts_enter(&counts->rows[0], second));
    assert_int_equal(client_counts_of_address(counts, first), 3);
    assert_int_equal(client_counts_of_address(counts, second), 1);
    client_counts_leave(&counts->rows[0], first);
    client_counts_leave(&counts->rows[0], first);
    client_counts_leave(&counts->rows[0], first); /* which has none any more */
    assert_int_equal(client_counts_of_address(counts, first), 1);
    assert_int_equal(client_counts_of_address(counts, second), 1);
    free(counts);
}

/* The counts agree with a reference, whatever comes and goes; few find no room. */
static void test_many_addresses(void **state)
{
    enum { ADDRESSES = 20000 };
    struct client_counts *counts = make_counts(1);
    unsigned char *reference = calloc(ADDRESSES, 1);
    unsigned refused = 0;
    srand(1);
    for (int i = 0; i < 20 * ADDRESSES; ++i) {
        uint32_t address = (uint32_t)rand() % ADDRESSES;
        uint64_t key = client_counts_key(counts, (const unsigned char *)&address, 4);
        if (rand() % 2 == 0 && reference[address] != 0) {
            client_counts_leave(&counts->rows[0], key);
            --reference[address];
        } else if (reference[address] < 200) {
            bool has_room = client_counts_enter(&counts->rows[0], key);
            reference[address] = (unsigned char)(reference[address] + has_room);
            refused += !has_room;
        }
        assert_int_equal(client_counts_of_address(counts, key), reference[address]);
    }
    assert_in_range(refused, 0, ADDRESSES / 1000);
    for (uint32_t address = 0; address < ADDRESSES; ++address) {
        uint64_t key = client_counts_key(counts, (const unsigned char *)&address, 4);
        for (; reference[address] != 0; --reference[address])
            client_counts_leave(&counts->rows[0], key);
        assert_int_equal(client_counts_of_address(counts, key), 0);
    }
    free(reference);
    free(counts);
}

enum { RACES = 2000 };

struct racer {
    struct client_counts *counts;
    struct client_row *row;
    pthread_barrier_t *line;
    bool has_won[RACES];
};

static void *race(void *data)
{
    struct racer *racer = data;
    for (int i = 0; i < RACES; ++i) {
        pthread_barrier_wait(racer->line);
        racer->has_won[i] = client_counts_try_enter(racer->counts, racer->row, 7, 1) == CLIENT_ENTERED;
        pthread_barrier_wait(racer->line);
        if (racer->has_won[i])
            client_counts_leave(racer->row, 7);
    }
    return NULL;
}

static void test_one_of_two_gets_the_last_place(void **state)
{
    struct client_counts *counts = make_counts(2);
    pthread_barrier_t line;
    struct racer racers[2] = {
        {.counts = counts, .row = &counts->rows[0], .line = &line},
        {.counts = counts, .row = &counts->rows[1], .line = &line},
    };
    pthread_t other;
    pthread_barrier_init(&line, NULL, 2);
    assert_int_equal(pthread_create(&other, NULL, race, &racers[1]), 0);
    race(&racers[0]);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&line);
    for (int i = 0; i < RACES; ++i)
        assert_int_equal(racers[0].has_won[i] + racers[1].has_won[i], 1);
    free(counts);
}

static void test_who_waits_is_told_of_for_a_while(void **state)
{
    struct client_counts *counts = make_counts(2);
    assert_false(client_counts_is_full(counts, 0, 100, 500));
    client_counts_note_full(&counts->rows[1], 7, 1000);
    assert_true(client_counts_is_full(counts, 7, 1000, 500));
    assert_true(client_counts_is_full(counts, 7, 1500, 500));
    assert_false(client_counts_is_full(counts, 7, 1501, 500));
    assert_false(client_counts_is_full(counts, 0, 1000, 500));
    assert_false(client_counts_is_full(counts, 8, 1000, 500));
    free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listeners_are_counted_over_rows),
        cmocka_unit_test(test_addresses_are_told_apart),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_one_of_two_gets_the_last_place),
        cmocka_unit_test(test_who_waits_is_told_of_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
