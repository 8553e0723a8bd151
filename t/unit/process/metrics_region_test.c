#include "process/metrics_region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct series *find(struct metrics *metrics, int32_t kind, const char *name)
{
    struct error error = ERROR_INIT;
    const struct metric_declaration declaration = {.kind = kind, .name = slice_from_text(name)};
    struct metric *metric = metrics_declare(metrics, &declaration, &error);
    assert_non_null(metric);
    return metric_find_series(metric, NULL);
}

static void expect_printed(const struct metrics_region *region, const char *expected)
{
    struct text text = TEXT_INIT;
    assert_true(metrics_region_print(region, 1, &text));
    assert_string_equal(text.data, expected);
    text_finish(&text);
}

static void gauges_die_and_counts_do_not(void **state)
{
    struct metrics_region region;
    assert_true(metrics_region_open(&region));
    metrics_region_start(&region, 0);
    metrics_region_start(&region, 1);
    struct metrics_table *table = metrics_region_attach(region.fd);
    struct metrics *one = metrics_create(table, 0, 1), *other = metrics_create(table, 1, 1);
    series_set(find(one, METRIC_GAUGE, "size"), 3);
    series_set(find(other, METRIC_GAUGE, "size"), 4);
    series_add(find(one, METRIC_COUNTER, "jobs_total"), 1);
    series_add(find(other, METRIC_COUNTER, "jobs_total"), 1);
    expect_printed(&region, "# TYPE size gauge\nsize 7\n# TYPE jobs_total counter\njobs_total 2\n");
    metrics_region_bury(&region, 1);
    expect_printed(&region, "# TYPE size gauge\nsize 3\n# TYPE jobs_total counter\njobs_total 2\n");
    metrics_region_bury(&region, METRICS_ROWS);
    metrics_region_bury(&region, -1);
    expect_printed(&region, "# TYPE size gauge\nsize 3\n# TYPE jobs_total counter\njobs_total 2\n");
    metrics_destroy(one);
    metrics_destroy(other);
    munmap(table, sizeof(*table));
    metrics_region_close(&region);
    metrics_region_close(&region);
}

static void the_dead_hold_no_lock(void **state)
{
    struct metrics_region region;
    assert_true(metrics_region_open(&region));
    assert_true(shared_lock_take(&region.table->lock, 3));
    metrics_region_bury(&region, 3);
    assert_false(shared_lock_take(&region.table->lock, 4));
    metrics_region_close(&region);
}

static void nonsense_is_neither_read_nor_cleared(void **state)
{
    struct metrics_region region;
    assert_true(metrics_region_open(&region));
    metrics_region_start(&region, 0);
    struct metrics_table *table = metrics_region_attach(region.fd);
    uint32_t *words = (uint32_t *)(void *)&table->metric_count;
    size_t count = (offsetof(struct metrics_table, cells) - offsetof(struct metrics_table, metric_count)) / 4;
    for (size_t i = 0; i < count; ++i)
        words[i] = (uint32_t)i * 2654435761u;
    table->rows_used = UINT32_MAX;
    for (int i = 0; i < METRICS_MOST; ++i)
        table->metrics[i].kind = METRIC_GAUGE;
    for (int i = 0; i < METRICS_MOST_SERIES; ++i)
        table->series[i].metric %= METRICS_MOST;
    metrics_region_bury(&region, 0);
    struct text text = TEXT_INIT;
    assert_true(metrics_region_print(&region, 1, &text));
    text_finish(&text);
    munmap(table, sizeof(*table));
    metrics_region_close(&region);
}

static void others_are_refused(void **state)
{
    struct metrics_region region;
    assert_true(metrics_region_open(&region));
    assert_int_equal(ftruncate(region.fd, 0), -1);
    region.table->version++;
    assert_null(metrics_region_attach(region.fd));
    assert_null(metrics_region_attach(-1));
    metrics_region_close(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gauges_die_and_counts_do_not),
        cmocka_unit_test(the_dead_hold_no_lock),
        cmocka_unit_test(nonsense_is_neither_read_nor_cleared),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
