#ifndef FLEXILIB_BASE_METRICS_TEXT_H
#define FLEXILIB_BASE_METRICS_TEXT_H

/* All metrics with what all workers have counted, as Prometheus reads them (text format 0.0.4). */

#include "base/metrics_table.h"
#include "base/text.h"

/* Adds them. Where generations have declared a metric differently, that of the one which serves is shown. What makes no
 * sense in the table is left out. */
void metrics_text_add(const struct metrics_table *table, uint32_t serving, struct text *out);

#endif
