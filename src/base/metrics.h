#ifndef FLEXILIB_BASE_METRICS_H
#define FLEXILIB_BASE_METRICS_H

/* A worker's view of the metrics in shared memory (metrics_table.h): declaring them, finding their series, counting.
 * All calls: any thread. Counting takes no lock and touches nothing but the worker's own row. */

#include "base/metric_declaration.h"

struct metrics;
struct metric;
struct series;

/* The view of the worker in that slot, of that generation. The table must outlive it. */
struct metrics *metrics_create(struct metrics_table *table, uint32_t slot, uint32_t generation);

/* Metrics that nobody else sees, where there is no table to share. */
struct metrics *metrics_create_private(void);

void metrics_destroy(struct metrics *metrics);

/* The metric, which is shared with whoever has declared it alike; it lives as long as the view. Returns NULL and fills
 * error where the declaration is wrong, contradicts another of this generation, or there is no room. */
struct metric *metrics_declare(struct metrics *metrics, const struct metric_declaration *declaration,
                               struct error *error);

size_t metric_label_count(const struct metric *metric);

/* The series with these label values, as many as the metric has labels; it lives as long as the view. */
struct series *metric_find_series(struct metric *metric, const struct slice *values);

/* Adds to a counter, what is above 0, or to a gauge. Infinite numbers and those that are none do nothing, here and
 * below. What is done to a metric of the wrong kind does nothing, and the log says so once. */
void series_add(struct series *series, double amount);
/* Sets a gauge. */
void series_set(struct series *series, double value);
/* Counts a value in a histogram. */
void series_observe(struct series *series, double value);

#endif
