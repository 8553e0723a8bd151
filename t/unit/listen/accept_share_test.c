#include "listen/accept_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    SLOT_COUNT = 200,
    STUCK_AFTER = 20, /* as in accept_share.c */
    REFUSALS_MOST = 50,
};

static struct slot slots[SLOT_COUNT];

static void fill_slot(size_t number, uint32_t generation, uint32_t connections)
{
    slots[number] = (struct slot){
        .magic = SLOT_MAGIC,
        .generation = generation,
        .is_accepting = 1,
        .connections = connections,
    };
}

static int wipe_slots(void **state)
{
    memset(slots, 0, sizeof(slots));
    return 0;
}

/* Asks once, as the worker of slot number would. */
static bool may_accept(size_t number)
{
    struct accept_share *share = accept_share_create(slots, SLOT_COUNT, number);
    bool is_allowed = accept_share_allows(share, 1000);
    accept_share_destroy(share);
    return is_allowed;
}

static void test_a_worker_alone_may(void **state)
{
    fill_slot(3, 1, 1000000);
    assert_true(may_accept(3));
}

static void test_who_has_more_than_an_eighth_above_the_average_may_not(void **state)
{
    fill_slot(0, 1, 112);
    fill_slot(1, 1, 88);
    assert_true(may_accept(0));
    fill_slot(0, 1, 113);
    fill_slot(1, 1, 87);
    assert_false(may_accept(0));
    assert_true(may_accept(1));
}

static void test_two_above_the_average_do_not_matter(void **state)
{
    for (size_t i = 0; i < 4; ++i)
        fill_slot(i, 1, 0);
    slots[2].connections = 2;
    assert_true(may_accept(2));
    slots[2].connections = 3;
    assert_false(may_accept(2));
    slots[1].connections = 1;
    assert_true(may_accept(2));
}

static void test_only_accepting_workers_of_the_generation_count(void **state)
{
    fill_slot(0, 2, 50);
    fill_slot(1, 1, 0);
    fill_slot(2, 2, 0);
    slots[2].is_accepting = 0;
    fill_slot(3, 2, 0);
    slots[3].magic = 0;
    assert_true(may_accept(0));
    fill_slot(70, 2, 0);
    assert_true(may_accept(0));
    fill_slot(60, 2, 0);
    assert_false(may_accept(0));
}

static void test_somebody_always_may(void **state)
{
    uint32_t seed = 1;
    for (int round = 0; round < 1000; ++round) {
        size_t count = 1 + (size_t)round % 9;
        memset(slots, 0, sizeof(slots));
        for (size_t i = 0; i < count; ++i)
            fill_slot(i, 1, (seed = seed * 1664525 + 1013904223) >> (round % 32));
        bool is_any = false;
        for (size_t i = 0; i < count; ++i)
            is_any |= may_accept(i);
        assert_true(is_any);
    }
}

/* How often the worker of slot 0 is refused, asking each millisecond, until it may; its sibling gets on or not. */
static int count_refusals(struct accept_share *share, uint64_t *now_ms, bool gets_on)
{
    int count = 0;
    for (; !accept_share_allows(share, ++*now_ms); ++count)
        slots[1].turns += gets_on;
    return count;
}

static void test_a_sibling_that_stands_still_counts_no_longer(void **state)
{
    uint64_t now_ms = 1000;
    fill_slot(0, 1, 10);
    fill_slot(1, 1, 0);
    struct accept_share *share = accept_share_create(slots, SLOT_COUNT, 0);
    int first = count_refusals(share, &now_ms, false);
    assert_in_range(first, STUCK_AFTER, STUCK_AFTER + 1);
    now_ms += 10000;
    assert_int_equal(count_refusals(share, &now_ms, false), 0);
    ++slots[1].turns;
    assert_false(accept_share_allows(share, ++now_ms));
    accept_share_destroy(share);
}

static void test_nobody_waits_for_ever_for_a_sibling_that_does_not_accept(void **state)
{
    uint64_t now_ms = 1000;
    fill_slot(0, 1, 10);
    fill_slot(1, 1, 0);
    struct accept_share *share = accept_share_create(slots, SLOT_COUNT, 0);
    assert_int_equal(count_refusals(share, &now_ms, true), REFUSALS_MOST - 1);
    assert_int_equal(count_refusals(share, &now_ms, true), REFUSALS_MOST - 1);
    accept_share_destroy(share);
}

/* One that only sleeps stands still as well: what counts is that it does so while somebody waits. */
static void test_quiet_times_do_not_make_a_sibling_stuck(void **state)
{
    uint64_t now_ms = 1000;
    fill_slot(0, 1, 10);
    fill_slot(1, 1, 0);
    struct accept_share *share = accept_share_create(slots, SLOT_COUNT, 0);
    for (int i = 0; i < 3 * REFUSALS_MOST; ++i)
        assert_false(accept_share_allows(share, now_ms += 200));
    accept_share_destroy(share);
}

static void test_new_siblings_are_noticed(void **state)
{
    fill_slot(0, 1, 10);
    struct accept_share *share = accept_share_create(slots, SLOT_COUNT, 0);
    assert_true(accept_share_allows(share, 1000));
    fill_slot(1, 1, 0);
    assert_false(accept_share_allows(share, 3000));
    accept_share_destroy(share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_worker_alone_may, wipe_slots),
        cmocka_unit_test_setup(test_who_has_more_than_an_eighth_above_the_average_may_not, wipe_slots),
        cmocka_unit_test_setup(test_two_above_the_average_do_not_matter, wipe_slots),
        cmocka_unit_test_setup(test_only_accepting_workers_of_the_generation_count, wipe_slots),
        cmocka_unit_test_setup(test_somebody_always_may, wipe_slots),
        cmocka_unit_test_setup(test_a_sibling_that_stands_still_counts_no_longer, wipe_slots),
        cmocka_unit_test_setup(test_nobody_waits_for_ever_for_a_sibling_that_does_not_accept, wipe_slots),
        cmocka_unit_test_setup(test_quiet_times_do_not_make_a_sibling_stuck, wipe_slots),
        cmocka_unit_test_setup(test_new_siblings_are_noticed, wipe_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
