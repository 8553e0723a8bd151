#ifndef FLEXILIB_EXT_METRICS_H
#define FLEXILIB_EXT_METRICS_H

/* Numbers that operators watch: core->extension(core, FLEXILIB_METRICS), in create. Each worker counts for itself and
 * readers sum it up; counts outlive workers and generations. Works for isolated filters and for those marked
 * FLEXILIB_BLOCKING. Declaring is [startup]; all other calls are [any thread], and cheap.
 *
 * Names are Prometheus': [a-z_][a-z0-9_]*; those of counters end in _total, others in none of _total, _bucket, _count
 * and _sum; flexilib_ is for FlexiLib itself. What other filters have declared by the same name is the same metric if
 * kind, labels and buckets agree, and refused otherwise; but a new generation may declare it anew, and counts from 0
 * then. */

#include <flexilib/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_METRICS "flexilib.metrics/1"

#define FLEXILIB_METRICS_COUNTER   1
#define FLEXILIB_METRICS_GAUGE     2 /* what workers have set is summed */
#define FLEXILIB_METRICS_HISTOGRAM 3

#define FLEXILIB_METRICS_MOST_LABELS  8
#define FLEXILIB_METRICS_MOST_BUCKETS 32

struct flexilib_metric; /* a declared name */
struct flexilib_series; /* one set of label values of it */

struct flexilib_metric_declaration {
    int32_t kind; /* FLEXILIB_METRICS_... */
    struct flexilib_text name;
    struct flexilib_text help;          /* one line */
    const struct flexilib_text *labels; /* label_count names */
    size_t label_count;
    const double *buckets; /* of a histogram: bucket_count upper bounds, ascending; infinity comes by itself */
    size_t bucket_count;
    /* Label sets; 0: 100. What comes beyond them counts in one whose labels are "other", and so do label values of
     * more than some 450 bytes together. */
    size_t most_series;
};

struct flexilib_metrics {
    size_t size;

    /* Declares a metric, which lives as long as the filter. NULL, with a line in the log, where the declaration is
     * wrong or contradicts another, or room has run out. [startup] */
    const struct flexilib_metric *(*declare)(const struct flexilib_core *core,
                                             const struct flexilib_metric_declaration *declaration);

    /* The series with these label values, as many as the metric has labels (NULL where it has none). Never NULL. It
     * lives as long as the filter: keep it where the values are known beforehand, since looking it up is what costs.
     * Control characters in values, and what is no UTF-8, become "?". */
    const struct flexilib_series *(*series)(const struct flexilib_metric *metric, const struct flexilib_text *values);

    /* Adds to a counter (nothing below 0) or a gauge. Here and below, what is not finite does nothing, and so does a
     * call for a metric of another kind, of which the log has a line. */
    void (*add)(const struct flexilib_series *series, double amount);
    /* Sets a gauge. */
    void (*set)(const struct flexilib_series *series, double value);
    /* Counts a value in a histogram. */
    void (*observe)(const struct flexilib_series *series, double value);
};

#ifdef __cplusplus
}
#endif

#endif
