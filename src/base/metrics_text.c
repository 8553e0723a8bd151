#include "base/metrics_text.h"

#include "base/alloc.h"
#include "base/metric_declaration.h"
#include "base/metrics_format.h"

#include <math.h>
#include <stdlib.h>

static void copy_record(const struct metric_record *from, struct metric_record *to)
{
    *to = *from;
    to->name[METRIC_NAME_BYTES - 1] = '\0';
    to->help[METRIC_HELP_BYTES - 1] = '\0';
    for (int i = 0; i < METRIC_MOST_LABELS; ++i)
        to->labels[i][METRIC_LABEL_BYTES - 1] = '\0';
}

/* {a="x",le="0.5"}, or nothing. Returns false where the series has other labels than its metric. */
static bool add_labels(const struct metric_record *metric, struct slice values, const char *bound, struct text *out)
{
    struct slice value;
    char before = '{';
    for (uint32_t i = 0; i < metric->label_count; ++i) {
        if (!metrics_table_unpack(&values, &value))
            return false;
        metrics_format_label(before, metric->labels[i], value, out);
        before = ',';
    }
    if (bound != NULL)
        text_print(out, "%cle=\"%s\"", before, bound);
    if (bound != NULL || metric->label_count != 0)
        text_add_char(out, '}');
    return values.length == 0;
}

static double sum_cell(const struct metrics_table *table, uint32_t cell)
{
    uint32_t rows = __atomic_load_n(&table->rows_used, __ATOMIC_ACQUIRE);
    double sum = 0;
    for (uint32_t row = 0; row < rows && row < METRICS_ROWS; ++row) {
        uint64_t bits = __atomic_load_n(&table->cells[row][cell], __ATOMIC_RELAXED);
        double value;
        memcpy(&value, &bits, sizeof(value));
        sum += value;
    }
    return sum;
}

static bool add_sample(const struct metric_record *metric, const char *suffix, struct slice values, const char *bound,
                       double number, struct text *out)
{
    text_print(out, "%s%s", metric->name, suffix);
    if (!add_labels(metric, values, bound, out))
        return false;
    text_add_char(out, ' ');
    metrics_format_number(number, out);
    text_add_char(out, '\n');
    return true;
}

static bool add_histogram(const struct metrics_table *table, const struct metric_record *metric, struct slice values,
                          uint32_t cell, struct text *out)
{
    double count = 0;
    bool is_fine = true;
    for (uint32_t i = 0; i <= metric->bucket_count && is_fine; ++i) {
        struct text bound = TEXT_INIT;
        metrics_format_number(i < metric->bucket_count ? metric->buckets[i] : INFINITY, &bound);
        count += sum_cell(table, cell + i);
        is_fine = add_sample(metric, "_bucket", values, bound.data, count, out);
        text_finish(&bound);
    }
    double sum = sum_cell(table, cell + metric->bucket_count + 1);
    return is_fine && add_sample(metric, "_sum", values, NULL, sum, out) &&
           add_sample(metric, "_count", values, NULL, count, out);
}

static void add_series(const struct metrics_table *table, const struct metric_record *metric, uint32_t number,
                       struct text *out)
{
    const struct series_record record = table->series[number];
    struct slice values = slice_of(record.values, record.values_length);
    struct text lines = TEXT_INIT;
    if (record.is_used == 0 || values.length > METRIC_VALUES_BYTES ||
        record.cell > METRICS_MOST_CELLS - metrics_table_count_cells(metric->kind, metric->bucket_count))
        return;
    bool is_fine = metric->kind == METRIC_HISTOGRAM
                       ? add_histogram(table, metric, values, record.cell, &lines)
                       : add_sample(metric, "", values, NULL, sum_cell(table, record.cell), &lines);
    if (is_fine)
        text_add(out, text_slice(&lines));
    text_finish(&lines);
}

static void add_head(const struct metric_record *metric, struct text *out)
{
    static const char *const kinds[] = {"untyped", "counter", "gauge", "histogram"};
    metrics_format_head(metric->name, kinds[metric->kind], metric->help, out);
}

/* The newest that the serving generation can have declared; a later one has failed, or has not taken over yet. */
static bool is_better(const struct metric_record *a, const struct metric_record *b, uint32_t serving)
{
    bool is_a_known = a->generation <= serving, is_b_known = b->generation <= serving;
    if (is_a_known != is_b_known)
        return is_a_known;
    return is_a_known ? a->generation > b->generation : a->generation < b->generation;
}

static bool is_shown(const struct metrics_table *table, const struct metric_record *metric, uint32_t number,
                     uint32_t serving)
{
    for (uint32_t i = 0; i < metrics_table_count_metrics(table); ++i) {
        const struct metric_record *other = &table->metrics[i];
        if (i == number || strncmp(other->name, metric->name, METRIC_NAME_BYTES) != 0)
            continue;
        if (is_better(other, metric, serving) || (i < number && !is_better(metric, other, serving)))
            return false;
    }
    return true;
}

/* Which series belong to which metric, read once. */
static uint32_t *find_owners(const struct metrics_table *table, uint32_t count)
{
    uint32_t *owners = mem_alloc((count + 1) * sizeof(*owners));
    for (uint32_t i = 0; i < count; ++i)
        owners[i] = table->series[i].metric;
    return owners;
}

void metrics_text_add(const struct metrics_table *table, uint32_t serving, struct text *out)
{
    uint32_t count = metrics_table_count_series(table);
    uint32_t *owners = find_owners(table, count);
    for (uint32_t i = 0; i < metrics_table_count_metrics(table); ++i) {
        struct metric_record metric;
        copy_record(&table->metrics[i], &metric);
        if (!metric_declaration_is_record(&metric) || !is_shown(table, &metric, i, serving))
            continue;
        add_head(&metric, out);
        for (uint32_t j = 0; j < count; ++j) {
            if (owners[j] == i)
                add_series(table, &metric, j, out);
        }
    }
    free(owners);
}
