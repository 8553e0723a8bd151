#include "filter/filter_metrics.h"

#include "base/log.h"
#include "filter/runtime_state.h"

#include <assert.h>

static_assert(FLEXILIB_METRICS_COUNTER == METRIC_COUNTER && FLEXILIB_METRICS_GAUGE == METRIC_GAUGE &&
                  FLEXILIB_METRICS_HISTOGRAM == METRIC_HISTOGRAM,
              "kinds have the same numbers");
static_assert(FLEXILIB_METRICS_MOST_LABELS == METRIC_MOST_LABELS, "the table keeps what is promised");
static_assert(FLEXILIB_METRICS_MOST_BUCKETS == METRIC_MOST_BUCKETS, "the table keeps what is promised");

void filter_metrics_init(struct filter_metrics *metrics)
{
    *metrics = (struct filter_metrics){0};
    pthread_mutex_init(&metrics->mutex, NULL);
}

void filter_metrics_finish(struct filter_metrics *metrics)
{
    metrics_destroy(metrics->own);
    pthread_mutex_destroy(&metrics->mutex);
}

static struct metrics *find_metrics(struct runtime *runtime)
{
    struct filter_metrics *metrics = &runtime->filter_metrics;
    if (metrics->shared != NULL)
        return metrics->shared;
    pthread_mutex_lock(&metrics->mutex);
    if (metrics->own == NULL)
        metrics->own = metrics_create_private();
    pthread_mutex_unlock(&metrics->mutex);
    return metrics->own;
}

static struct slice slice_of_text(struct flexilib_text text)
{
    return slice_of(text.data, text.length);
}

static const struct flexilib_metric *declare(const struct flexilib_core *core,
                                             const struct flexilib_metric_declaration *declaration)
{
    const struct use *use = use_of_core(core);
    struct error error = ERROR_INIT;
    struct slice labels[METRIC_MOST_LABELS];
    size_t count = declaration->label_count < METRIC_MOST_LABELS ? declaration->label_count : METRIC_MOST_LABELS;
    for (size_t i = 0; i < count; ++i)
        labels[i] = slice_of_text(declaration->labels[i]);
    const struct metric_declaration wanted = {
        .kind = declaration->kind,
        .name = slice_of_text(declaration->name),
        .help = slice_of_text(declaration->help),
        .labels = labels,
        .label_count = declaration->label_count,
        .buckets = declaration->buckets,
        .bucket_count = declaration->bucket_count,
        .most_series = declaration->most_series,
    };
    struct metric *metric = metrics_declare(find_metrics(use->runtime), &wanted, &error);
    if (metric == NULL)
        log_line(LOG_LEVEL_ERROR, "filter '%.*s': there is no metric '%.*s': %s", SLICE_ARG(use->name),
                 SLICE_ARG(wanted.name), error.message);
    return (const struct flexilib_metric *)metric;
}

static const struct flexilib_series *find_series(const struct flexilib_metric *metric,
                                                 const struct flexilib_text *values)
{
    struct metric *known = (struct metric *)metric;
    struct slice slices[METRIC_MOST_LABELS];
    for (size_t i = 0; i < metric_label_count(known); ++i)
        slices[i] = slice_of_text(values[i]);
    return (const struct flexilib_series *)metric_find_series(known, slices);
}

static void add(const struct flexilib_series *series, double amount)
{
    series_add((struct series *)series, amount);
}

static void set(const struct flexilib_series *series, double value)
{
    series_set((struct series *)series, value);
}

static void observe(const struct flexilib_series *series, double value)
{
    series_observe((struct series *)series, value);
}

const struct flexilib_metrics filter_metrics_table = {
    .size = sizeof(struct flexilib_metrics),
    .declare = declare,
    .series = find_series,
    .add = add,
    .set = set,
    .observe = observe,
};
