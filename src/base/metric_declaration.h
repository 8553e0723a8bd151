#ifndef FLEXILIB_BASE_METRIC_DECLARATION_H
#define FLEXILIB_BASE_METRIC_DECLARATION_H

/* What somebody says about a metric before counting, and what is allowed there: the rules are Prometheus', and those
 * that keep the names of one metric out of another's way. */

#include "base/error.h"
#include "base/metrics_table.h"

struct metric_declaration {
    int32_t kind; /* enum metric_kind */
    struct slice name, help;
    const struct slice *labels; /* label_count names */
    size_t label_count;
    const double *buckets; /* bucket_count upper bounds */
    size_t bucket_count;
    size_t most_series; /* 0: 100 */
    bool is_own;        /* FlexiLib's, whose names begin with flexilib_ */
};

/* Returns false and fills error with what is wrong. */
bool metric_declaration_check(const struct metric_declaration *declaration, struct error *error);

/* Fills a record, all zero, with a declaration that is right. */
void metric_declaration_record(const struct metric_declaration *declaration, struct metric_record *record);

/* Whether the record is one that a right declaration makes. */
bool metric_declaration_is_record(const struct metric_record *record);

/* Whether two such records of one name are about the same: kind, labels and buckets. */
bool metric_declaration_agrees(const struct metric_record *a, const struct metric_record *b);

#endif
