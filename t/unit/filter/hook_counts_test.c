#include "filter/hook_counts.h"

#include "base/metrics_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct metrics_table *table;
    struct metrics *metrics;
    struct core_metrics *core;
    struct hook_counts_list list;
};

static struct fixture open_fixture(void)
{
    static const uint64_t secret[2] = {1, 2};
    struct fixture fixture = {.table = calloc(1, sizeof(*fixture.table))};
    metrics_table_init(fixture.table, secret);
    fixture.table->rows_used = 1;
    fixture.metrics = metrics_create(fixture.table, 0, 1);
    fixture.core = core_metrics_create(fixture.metrics);
    LIST_INIT(&fixture.list);
    return fixture;
}

static void close_fixture(struct fixture *fixture)
{
    hook_counts_finish(&fixture->list);
    core_metrics_destroy(fixture->core);
    metrics_destroy(fixture->metrics);
    free(fixture->table);
}

/* What stands behind the series' name. */
static double read_value(const struct fixture *fixture, const char *series)
{
    struct text text = TEXT_INIT;
    metrics_text_add(fixture->table, 1, &text);
    const char *found = strstr(text.data, series);
    assert_non_null(found);
    double value = strtod(found + strlen(series), NULL);
    text_finish(&text);
    return value;
}

#define CALLS  "flexilib_filter_calls_total{filter=\"a\",hook=\"on_request_head\"} "
#define ERRORS "flexilib_filter_errors_total{filter=\"a\",hook=\"on_request_head\"} "

static void filters_of_one_name_count_together(void **state)
{
    struct fixture fixture = open_fixture();
    struct hook_counts *a = hook_counts_find(&fixture.list, fixture.core, SLICE("a"));
    assert_ptr_equal(hook_counts_find(&fixture.list, fixture.core, SLICE("a")), a);
    assert_ptr_not_equal(hook_counts_find(&fixture.list, fixture.core, SLICE("b")), a);
    for (int i = 0; i < 3; ++i) {
        struct hook_watch watch = hook_counts_begin(a, SLOT_HOOK_REQUEST_HEAD, i != 0);
        hook_counts_end(&watch);
    }
    hook_counts_fail(a, SLOT_HOOK_REQUEST_HEAD);
    assert_true(read_value(&fixture, CALLS) == 3);
    assert_true(read_value(&fixture, ERRORS) == 1);
    close_fixture(&fixture);
}

/* All calls are counted, the first are timed, and of the others about one in eight, for eight. */
static void time_is_taken_by_chance(void **state)
{
    struct fixture fixture = open_fixture();
    struct hook_counts *a = hook_counts_find(&fixture.list, fixture.core, SLICE("a"));
    unsigned first = 0, weights = 0, timed = 0;
    for (int i = 0; i < 256 + 80000; ++i) {
        struct hook_watch watch = hook_counts_begin(a, SLOT_HOOK_REQUEST_HEAD, true);
        hook_counts_end(&watch);
        first += i < 256 ? watch.weight : 0;
        weights += i < 256 ? 0 : watch.weight;
        timed += i >= 256 && watch.weight != 0;
    }
    assert_int_equal(first, 256);
    assert_int_equal(weights, timed * 8);
    assert_in_range(weights, 76000, 84000);
    struct hook_watch watch = hook_counts_begin(a, SLOT_HOOK_REQUEST_HEAD, false);
    assert_int_equal(watch.weight, 1);
    assert_true(read_value(&fixture, CALLS) == 256 + 80000);
    close_fixture(&fixture);
}

static void nobody_counts_without_metrics(void **state)
{
    struct hook_counts_list list = LIST_HEAD_INITIALIZER(list);
    assert_null(hook_counts_find(&list, NULL, SLICE("a")));
    struct hook_watch watch = hook_counts_begin(NULL, SLOT_HOOK_END, true);
    hook_counts_end(&watch);
    hook_counts_fail(NULL, SLOT_HOOK_END);
    hook_counts_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_of_one_name_count_together),
        cmocka_unit_test(time_is_taken_by_chance),
        cmocka_unit_test(nobody_counts_without_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
