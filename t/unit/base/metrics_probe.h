#ifndef T_UNIT_BASE_METRICS_PROBE_H
#define T_UNIT_BASE_METRICS_PROBE_H

/* Metrics in memory that processes share, and what readers get of them. */

#include "base/metrics.h"
#include "base/metrics_text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct metrics_table *make_table(void)
{
    static const uint64_t secret[2] = {3, 4};
    void *memory = mmap(NULL, sizeof(struct metrics_table), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    metrics_table_init(memory, secret);
    ((struct metrics_table *)memory)->rows_used = 4;
    return memory;
}

static inline void finish_table(struct metrics_table *table)
{
    munmap(table, sizeof(*table));
}

static inline struct metric *try_declare(struct metrics *metrics, const struct metric_declaration *declaration)
{
    struct error error = ERROR_INIT;
    struct metric *metric = metrics_declare(metrics, declaration, &error);
    assert_int_equal(metric == NULL, error.is_set);
    return metric;
}

static inline struct metric *declare(struct metrics *metrics, enum metric_kind kind, const char *name,
                                     const char *label)
{
    static const double bounds[] = {0.1, 1, 2.5};
    const struct slice labels[] = {slice_from_text(label)};
    const struct metric_declaration declaration = {
        .kind = (int32_t)kind,
        .name = slice_from_text(name),
        .labels = labels,
        .label_count = label != NULL,
        .buckets = bounds,
        .bucket_count = kind == METRIC_HISTOGRAM ? 3 : 0,
    };
    return try_declare(metrics, &declaration);
}

static inline struct series *find_series(struct metric *metric, const char *value)
{
    const struct slice values[] = {slice_from_text(value)};
    return metric_find_series(metric, values);
}

static inline void expect_text(const struct metrics_table *table, uint32_t serving, const char *expected)
{
    struct text text = TEXT_INIT;
    metrics_text_add(table, serving, &text);
    assert_string_equal(text.data == NULL ? "" : text.data, expected);
    text_finish(&text);
}

#endif
