#ifndef FLEXILIB_BASE_METRICS_TABLE_H
#define FLEXILIB_BASE_METRICS_TABLE_H

/* The numbers that operators watch, as they stand in memory that all workers and generations share: which metrics have
 * been declared, which series (sets of label values) each of them has, and their cells, in a row for each worker, which
 * readers sum up. Metrics and series only ever come, so that whoever reads needs no lock; a worker's row passes with
 * its slot to the next one, and with it what was counted, but for gauges, which the supervisor clears when the worker
 * is dead. metrics.h is for workers, metrics_text.h for readers; none of them believes what stands here. */

#include "base/shared_lock.h"
#include "base/slice.h"

enum {
    METRICS_MAGIC = 0x464c584d, /* "FLXM" */
    METRICS_VERSION = 2,
    /* what filters are promised, and what core_metrics.h has at most */
    METRICS_MOST = 512 + 32,
    METRICS_MOST_SERIES = 8192 + 6144,
    METRICS_MOST_CELLS = 32768 + 16384, /* of each worker */
    METRICS_SERIES_EACH = 8192,         /* the most that one metric may have */
    METRICS_ROWS = 256,                 /* workers in slots beyond them share these, and have no gauges */
    METRIC_NAME_BYTES = 128,            /* texts are NUL-terminated */
    METRIC_HELP_BYTES = 256,
    METRIC_MOST_LABELS = 8,
    METRIC_LABEL_BYTES = 64,
    METRIC_MOST_BUCKETS = 32,
    METRIC_VALUES_BYTES = 480,
};

enum metric_kind {
    METRIC_COUNTER = 1,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

struct metric_record {
    uint32_t kind;
    uint32_t generation; /* the newest that has declared it */
    uint32_t label_count, bucket_count;
    uint32_t most_series, series_count;
    uint32_t rest; /* the series for what comes beyond most_series; without labels the only one */
    uint32_t spare;
    char name[METRIC_NAME_BYTES];
    char help[METRIC_HELP_BYTES];
    char labels[METRIC_MOST_LABELS][METRIC_LABEL_BYTES];
    double buckets[METRIC_MOST_BUCKETS];
};

struct series_record {
    uint64_t hash;
    uint32_t metric;
    uint32_t next;    /* in its bucket, plus one */
    uint32_t cell;    /* the first of its cells: one; of a histogram those of its buckets, of infinity, and the sum */
    uint32_t is_used; /* has been asked for */
    uint32_t values_length;
    uint32_t spare;
    char values[METRIC_VALUES_BYTES]; /* of each label, as many bytes as the two in front of it say */
};

struct metrics_table {
    uint32_t magic, version;
    uint64_t size;
    uint64_t secret[2];
    struct shared_lock lock; /* for whoever adds a metric or a series */
    uint32_t rows_used;      /* rows from here on were never used */
    uint32_t metric_count, series_count, cell_count;
    uint32_t spare[4];
    struct metric_record metrics[METRICS_MOST];
    uint32_t buckets[METRICS_MOST_SERIES]; /* the first series with such a hash, plus one */
    struct series_record series[METRICS_MOST_SERIES];
    uint64_t cells[METRICS_ROWS][METRICS_MOST_CELLS]; /* numbers of type double */
};

/* For the supervisor, in zeros. */
void metrics_table_init(struct metrics_table *table, const uint64_t secret[2]);

bool metrics_table_is_known(const struct metrics_table *table);

/* How many there are of them, whatever stands there. */
uint32_t metrics_table_count_metrics(const struct metrics_table *table);
uint32_t metrics_table_count_series(const struct metrics_table *table);

/* How many cells a series has. */
uint32_t metrics_table_count_cells(uint32_t kind, uint32_t bucket_count);

/* Puts a label's value behind others; false where it does not fit. What may not stand in a text for readers becomes
 * '?'. */
bool metrics_table_pack(char values[METRIC_VALUES_BYTES], uint32_t *length, struct slice value);

/* Takes the next value off. Returns false where there is none. */
bool metrics_table_unpack(struct slice *values, struct slice *value);

#endif
