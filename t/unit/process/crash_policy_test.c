#include "process/crash_policy.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t second_us = 1000 * 1000;

static void test_three_crashes_within_half_a_minute_are_a_loop(void **state)
{
    struct crash_policy policy;
    crash_policy_init(&policy);
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 10 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 20 * second_us));
    assert_true(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 40 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 41 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 42 * second_us));
    assert_true(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 43 * second_us));
    crash_policy_finish(&policy);
}

static void test_crashes_that_have_nothing_to_do_with_each_other_are_none(void **state)
{
    struct crash_policy policy;
    crash_policy_init(&policy);
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 10 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/b.so"), SLICE_NONE, 10 * second_us));
    assert_false(crash_policy_note(&policy, 3, SLICE("/a.so"), SLICE_NONE, 10 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/b.so"), SLICE_NONE, 10 * second_us));
    assert_false(crash_policy_note(&policy, 3, SLICE("/a.so"), SLICE_NONE, 11 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 41 * second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, 72 * second_us));
    assert_true(crash_policy_note(&policy, 2, SLICE("/b.so"), SLICE_NONE, 40 * second_us));
    crash_policy_finish(&policy);
}

static void test_crashes_may_count_for_a_successor(void **state)
{
    struct crash_policy policy;
    crash_policy_init(&policy);
    assert_false(crash_policy_knows(&policy, 2));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, second_us));
    assert_false(crash_policy_note(&policy, 2, SLICE("/a.so"), SLICE_NONE, second_us));
    assert_true(crash_policy_knows(&policy, 2));
    crash_policy_carry(&policy, 2, 3);
    assert_false(crash_policy_knows(&policy, 2));
    assert_true(crash_policy_note(&policy, 3, SLICE("/a.so"), SLICE_NONE, second_us));
    crash_policy_finish(&policy);
}

static void test_many_crashes_are_not_too_many(void **state)
{
    struct crash_policy policy;
    crash_policy_init(&policy);
    for (unsigned i = 0; i < 10 * CRASH_POLICY_RECENT; ++i)
        assert_false(crash_policy_note(&policy, i, SLICE("/a.so"), SLICE_NONE, second_us));
    assert_false(crash_policy_note(&policy, 1, SLICE("/a.so"), SLICE_NONE, second_us));
    crash_policy_finish(&policy);
}

static void count_refused(void *data, struct slice library, struct slice hash)
{
    ++*(unsigned *)data;
}

static void test_a_library_is_refused_until_its_content_changes(void **state)
{
    struct crash_policy policy;
    unsigned count = 0;
    crash_policy_init(&policy);
    assert_false(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("1234")));
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE("1234"));
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE("1234"));
    assert_true(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("1234")));
    assert_false(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("5678")));
    assert_false(crash_policy_refuses(&policy, SLICE("/b.so"), SLICE("1234")));
    crash_policy_each_refused(&policy, count_refused, &count);
    assert_int_equal(count, 1);
    for (unsigned i = 0; i < 1000; ++i) {
        char hash[2] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26)};
        crash_policy_refuse(&policy, SLICE("/c.so"), slice_of(hash, sizeof(hash)));
    }
    count = 0;
    crash_policy_each_refused(&policy, count_refused, &count);
    assert_in_range(count, 1, 256);
    assert_false(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("1234")));
    crash_policy_finish(&policy);
}

static void note_order(void *data, struct slice library, struct slice hash)
{
    text_print(data, "%.*s %.*s;", SLICE_ARG(library), SLICE_ARG(hash));
}

static void test_accepted_content_ends_a_refusal(void **state)
{
    struct crash_policy policy;
    struct text order = TEXT_INIT;
    crash_policy_init(&policy);
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE("12"));
    crash_policy_refuse(&policy, SLICE("/b.so"), SLICE("34"));
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE("56"));
    unsigned version = policy.refused_version;
    crash_policy_accept(&policy, SLICE("/c.so"), SLICE("12"));
    assert_int_equal(policy.refused_version, version);
    crash_policy_each_refused(&policy, note_order, &order);
    assert_string_equal(order.data, "/a.so 12;/b.so 34;/a.so 56;");
    crash_policy_accept(&policy, SLICE("/a.so"), SLICE("56"));
    assert_int_equal(policy.refused_count, 2);
    assert_int_not_equal(policy.refused_version, version);
    assert_true(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("56")));
    assert_false(crash_policy_refuses(&policy, SLICE("/a.so"), SLICE("12")));
    crash_policy_accept_all(&policy);
    assert_int_equal(policy.refused_count, 0);
    assert_null(policy.refused);
    text_finish(&order);
    crash_policy_finish(&policy);
}

static void test_what_goes_on_is_known_while_its_libraries_serve(void **state)
{
    struct crash_policy policy;
    crash_policy_init(&policy);
    crash_policy_go_on(&policy, 2, SLICE("/a.so"), 1, second_us);
    crash_policy_go_on(&policy, 2, SLICE("/b.so"), 1, 2 * second_us);
    crash_policy_go_on(&policy, 2, SLICE("/a.so"), 1, 3 * second_us);
    assert_string_equal(policy.going_on->path, "/b.so");
    assert_int_equal(policy.going_on->next->loops, 2);
    assert_int_equal(policy.going_on->next->last_us, 3 * second_us);
    assert_true(crash_policy_knows(&policy, 2));
    crash_policy_carry(&policy, 1, 3);
    assert_int_equal(policy.going_on->generation, 2);
    crash_policy_carry(&policy, 2, 3);
    assert_int_equal(policy.going_on->generation, 3);
    crash_policy_go_on(&policy, 4, SLICE("/c.so"), 1, 4 * second_us);
    assert_string_equal(policy.going_on->path, "/c.so");
    assert_null(policy.going_on->next);
    for (unsigned i = 0; i < 1000; ++i) {
        char path[3] = {'/', (char)('a' + i % 26), (char)('a' + i / 26 % 26)};
        crash_policy_go_on(&policy, 4, slice_of(path, sizeof(path)), 1, second_us);
    }
    unsigned count = 0;
    for (const struct crashing_library *library = policy.going_on; library != NULL; library = library->next)
        ++count;
    assert_in_range(count, 1, 256);
    crash_policy_finish(&policy);
}

static void test_a_change_is_young_also_where_the_clock_was_set_back(void **state)
{
    assert_true(crash_policy_is_young(50000, 50999, 1000));
    assert_false(crash_policy_is_young(50000, 51000, 1000));
    assert_true(crash_policy_is_young(50000, 49999, 1000));
    assert_false(crash_policy_is_young(50000, 50000, 0));
    assert_false(crash_policy_is_young(50000, 40000, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_crashes_within_half_a_minute_are_a_loop),
        cmocka_unit_test(test_crashes_that_have_nothing_to_do_with_each_other_are_none),
        cmocka_unit_test(test_crashes_may_count_for_a_successor),
        cmocka_unit_test(test_many_crashes_are_not_too_many),
        cmocka_unit_test(test_a_library_is_refused_until_its_content_changes),
        cmocka_unit_test(test_accepted_content_ends_a_refusal),
        cmocka_unit_test(test_what_goes_on_is_known_while_its_libraries_serve),
        cmocka_unit_test(test_a_change_is_young_also_where_the_clock_was_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
