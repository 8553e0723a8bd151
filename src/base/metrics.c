#include "base/metrics.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/sip_hash.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    MOST_STEPS = 1000, /* in a bucket, where a handful is normal */
    NO_SERIES = METRICS_MOST_SERIES,
};

struct series {
    struct metric *metric; /* NULL until somebody has asked for it; then all else is there */
    uint64_t *cells;
};

/* What it is stands here too, so that what stands in the table matters no more. */
struct metric {
    struct metrics *owner; /* NULL until it is declared */
    uint32_t number;
    uint32_t was_misused;
    struct series *rest;
    struct metric_record record;
};

struct metrics {
    struct metrics_table *table;
    uint64_t *row;
    bool has_gauges;
    bool is_private;
    uint32_t slot, generation;
    uint64_t secret[2];
    struct metric *items;  /* METRICS_MOST, by number */
    struct series *series; /* METRICS_MOST_SERIES, by number */
};

struct metrics *metrics_create(struct metrics_table *table, uint32_t slot, uint32_t generation)
{
    struct metrics *metrics = mem_alloc(sizeof(*metrics));
    *metrics = (struct metrics){
        .table = table,
        .row = table->cells[slot % METRICS_ROWS],
        .has_gauges = slot < METRICS_ROWS,
        .slot = slot,
        .generation = generation,
        .secret = {table->secret[0], table->secret[1]},
        .items = mem_zalloc(METRICS_MOST * sizeof(struct metric)),
        .series = mem_zalloc(METRICS_MOST_SERIES * sizeof(struct series)),
    };
    return metrics;
}

struct metrics *metrics_create_private(void)
{
    uint64_t secret[2] = {0};
    void *memory = mmap(NULL, sizeof(struct metrics_table), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        log_line(LOG_LEVEL_ALERT, "there is no memory for metrics");
        abort();
    }
    metrics_table_init(memory, secret);
    struct metrics *metrics = metrics_create(memory, 0, 1);
    metrics->is_private = true;
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    if (metrics->is_private)
        munmap(metrics->table, sizeof(*metrics->table));
    free(metrics->items);
    free(metrics->series);
    free(metrics);
}

/* The series with that number as one of this metric; NULL where it cannot be. */
static struct series *use_series(struct metric *metric, uint32_t number)
{
    struct metrics *metrics = metric->owner;
    if (number >= METRICS_MOST_SERIES)
        return NULL;
    struct series *series = &metrics->series[number];
    struct metric *known = __atomic_load_n(&series->metric, __ATOMIC_ACQUIRE);
    if (known != NULL)
        return known == metric ? series : NULL;
    struct series_record *record = &metrics->table->series[number];
    uint32_t cell = __atomic_load_n(&record->cell, __ATOMIC_RELAXED);
    uint32_t count = metrics_table_count_cells(metric->record.kind, metric->record.bucket_count);
    if (cell > METRICS_MOST_CELLS - count)
        return NULL;
    /* several threads may do this, and all write the same */
    __atomic_store_n(&series->cells, metrics->row + cell, __ATOMIC_RELAXED);
    __atomic_store_n(&series->metric, metric, __ATOMIC_RELEASE);
    return series;
}

static uint64_t hash_values(const struct metrics *metrics, uint32_t metric, struct slice values)
{
    const uint64_t secret[2] = {metrics->secret[0] ^ metric, metrics->secret[1]};
    return sip_hash(secret, values);
}

static bool is_record_of(const struct series_record *record, uint32_t metric, uint64_t hash, struct slice values)
{
    return record->hash == hash && record->metric == metric && record->values_length == values.length &&
           (values.length == 0 || memcmp(record->values, values.data, values.length) == 0);
}

static uint32_t find_number(const struct metrics_table *table, uint32_t metric, uint64_t hash, struct slice values)
{
    uint32_t next = __atomic_load_n(&table->buckets[hash % METRICS_MOST_SERIES], __ATOMIC_ACQUIRE);
    for (int steps = 0; next != 0 && next <= METRICS_MOST_SERIES && steps < MOST_STEPS; ++steps) {
        const struct series_record *record = &table->series[next - 1];
        if (is_record_of(record, metric, hash, values))
            return next - 1;
        next = __atomic_load_n(&record->next, __ATOMIC_ACQUIRE);
    }
    return NO_SERIES;
}

/* Its cells are zero in all rows: nobody has had them. */
static uint32_t append_series(struct metrics_table *table, uint32_t metric, uint32_t cell_count, uint64_t hash,
                              struct slice values)
{
    uint32_t number = metrics_table_count_series(table), cell = table->cell_count;
    if (number == METRICS_MOST_SERIES || cell > METRICS_MOST_CELLS - cell_count)
        return NO_SERIES;
    struct series_record *record = &table->series[number];
    uint32_t *bucket = &table->buckets[hash % METRICS_MOST_SERIES];
    record->hash = hash;
    record->metric = metric;
    record->next = __atomic_load_n(bucket, __ATOMIC_RELAXED);
    record->cell = cell;
    record->is_used = 0;
    record->values_length = (uint32_t)values.length;
    if (values.length != 0)
        memcpy(record->values, values.data, values.length);
    __atomic_store_n(&table->cell_count, cell + cell_count, __ATOMIC_RELEASE);
    __atomic_store_n(&table->series_count, number + 1, __ATOMIC_RELEASE);
    __atomic_store_n(bucket, number + 1, __ATOMIC_RELEASE);
    return number;
}

/* Whoever has died with it has left a series that nobody uses, at worst: what is added is seen when it is complete. */
static void lock(struct metrics *metrics)
{
    (void)!shared_lock_take(&metrics->table->lock, metrics->slot);
}

static void unlock(struct metrics *metrics)
{
    shared_lock_release(&metrics->table->lock, metrics->slot);
}

static bool is_full(const struct metric *metric)
{
    const struct metric_record *record = &metric->owner->table->metrics[metric->number];
    return __atomic_load_n(&record->series_count, __ATOMIC_RELAXED) >= metric->record.most_series;
}

static uint32_t add_number(struct metric *metric, uint64_t hash, struct slice values)
{
    struct metrics_table *table = metric->owner->table;
    uint32_t cell_count = metrics_table_count_cells(metric->record.kind, metric->record.bucket_count);
    lock(metric->owner);
    uint32_t number = find_number(table, metric->number, hash, values);
    if (number == NO_SERIES && !is_full(metric)) {
        uint32_t *count = &table->metrics[metric->number].series_count;
        number = append_series(table, metric->number, cell_count, hash, values);
        /* where there is no more room, nobody has to try again */
        __atomic_store_n(count, number == NO_SERIES ? METRICS_MOST_SERIES : *count + 1, __ATOMIC_RELAXED);
    }
    unlock(metric->owner);
    return number;
}

static struct series *mark_used(const struct metrics *metrics, struct series *series)
{
    uint32_t *is_used = &metrics->table->series[series - metrics->series].is_used;
    if (__atomic_load_n(is_used, __ATOMIC_RELAXED) == 0)
        __atomic_store_n(is_used, 1, __ATOMIC_RELAXED);
    return series;
}

size_t metric_label_count(const struct metric *metric)
{
    return metric->record.label_count;
}

struct series *metric_find_series(struct metric *metric, const struct slice *values)
{
    char packed[METRIC_VALUES_BYTES];
    uint32_t length = 0;
    if (metric->record.label_count == 0)
        return metric->rest;
    for (uint32_t i = 0; i < metric->record.label_count; ++i) {
        if (!metrics_table_pack(packed, &length, values[i]))
            return mark_used(metric->owner, metric->rest);
    }
    struct slice text = slice_of(packed, length);
    uint64_t hash = hash_values(metric->owner, metric->number, text);
    uint32_t number = find_number(metric->owner->table, metric->number, hash, text);
    if (number == NO_SERIES && !is_full(metric))
        number = add_number(metric, hash, text);
    struct series *series = use_series(metric, number);
    return mark_used(metric->owner, series != NULL ? series : metric->rest);
}

static bool is_same(const struct metric_record *a, const struct metric_record *b)
{
    return strncmp(a->name, b->name, METRIC_NAME_BYTES) == 0 && metric_declaration_agrees(a, b);
}

/* The number of the metric that agrees, or METRICS_MOST. Generations may contradict each other: an operator has changed
 * a library. */
static uint32_t find_metric(const struct metrics *metrics, const struct metric_record *wanted, struct error *error)
{
    uint32_t found = METRICS_MOST;
    for (uint32_t i = 0; i < metrics_table_count_metrics(metrics->table); ++i) {
        const struct metric_record *record = &metrics->table->metrics[i];
        if (is_same(record, wanted))
            found = i;
        else if (record->generation == metrics->generation &&
                 strncmp(record->name, wanted->name, METRIC_NAME_BYTES) == 0)
            error_set(error, "another has declared it with another kind, other labels or other buckets");
    }
    return found;
}

/* The series for what comes beyond most_series, or without labels the only one. */
static uint32_t append_rest(struct metrics *metrics, uint32_t number, const struct metric_record *record)
{
    char packed[METRIC_VALUES_BYTES];
    uint32_t length = 0;
    bool is_fit = true;
    for (uint32_t i = 0; i < record->label_count; ++i)
        is_fit = is_fit && metrics_table_pack(packed, &length, SLICE("other"));
    struct slice values = slice_of(packed, length);
    return append_series(metrics->table, number, metrics_table_count_cells(record->kind, record->bucket_count),
                         hash_values(metrics, number, values), values);
}

static uint32_t append_metric(struct metrics *metrics, const struct metric_record *wanted, struct error *error)
{
    struct metrics_table *table = metrics->table;
    uint32_t number = metrics_table_count_metrics(table);
    uint32_t rest = number == METRICS_MOST ? NO_SERIES : append_rest(metrics, number, wanted);
    if (rest == NO_SERIES) {
        error_set(error, "there is no more room for metrics");
        return METRICS_MOST;
    }
    table->metrics[number] = *wanted;
    table->metrics[number].rest = rest;
    __atomic_store_n(&table->metric_count, number + 1, __ATOMIC_RELEASE);
    return number;
}

/* From here on what stands in the table's record is a copy. */
static struct metric *use_metric(struct metrics *metrics, uint32_t number, const struct metric_record *wanted,
                                 struct error *error)
{
    struct metric *metric = &metrics->items[number];
    struct metric_record *record = &metrics->table->metrics[number];
    record->generation = record->generation < metrics->generation ? metrics->generation : record->generation;
    if (metric->owner == NULL) {
        metric->owner = metrics;
        metric->number = number;
        metric->record = *wanted;
        metric->record.most_series = record->most_series;
        metric->rest = use_series(metric, record->rest);
    }
    if (metric->rest == NULL || !is_same(&metric->record, wanted)) {
        error_set(error, "the shared memory of metrics holds nonsense");
        return NULL;
    }
    if (metric->record.label_count == 0)
        mark_used(metric->owner, metric->rest);
    return metric;
}

struct metric *metrics_declare(struct metrics *metrics, const struct metric_declaration *declaration,
                               struct error *error)
{
    struct metric_record wanted = {.generation = metrics->generation};
    struct metric *metric = NULL;
    if (!metric_declaration_check(declaration, error))
        return NULL;
    metric_declaration_record(declaration, &wanted);
    lock(metrics);
    uint32_t number = find_metric(metrics, &wanted, error);
    if (number == METRICS_MOST && !error->is_set)
        number = append_metric(metrics, &wanted, error);
    if (!error->is_set)
        metric = use_metric(metrics, number, &wanted, error);
    unlock(metrics);
    return metric;
}

static void add_to_cell(uint64_t *cell, double amount)
{
    uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED), wanted;
    double value;
    do {
        memcpy(&value, &seen, sizeof(value));
        value += amount;
        memcpy(&wanted, &value, sizeof(wanted));
    } while (!__atomic_compare_exchange_n(cell, &seen, wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

static bool is_for(struct metric *metric, enum metric_kind kind, const char *call)
{
    if (metric->record.kind == (uint32_t)kind)
        return true;
    if (__atomic_exchange_n(&metric->was_misused, 1, __ATOMIC_RELAXED) == 0)
        log_line(LOG_LEVEL_WARNING, "metric '%s': a filter calls %s, which is for another kind", metric->record.name,
                 call);
    return false;
}

static struct metric *metric_of(const struct series *series)
{
    return __atomic_load_n(&series->metric, __ATOMIC_RELAXED);
}

static uint64_t *cells_of(const struct series *series)
{
    return __atomic_load_n(&series->cells, __ATOMIC_RELAXED);
}

void series_add(struct series *series, double amount)
{
    struct metric *metric = metric_of(series);
    if (metric->record.kind == METRIC_GAUGE) {
        if (isfinite(amount) && metric->owner->has_gauges)
            add_to_cell(cells_of(series), amount);
    } else if (is_for(metric, METRIC_COUNTER, "add") && isfinite(amount) && amount > 0) {
        add_to_cell(cells_of(series), amount);
    }
}

void series_set(struct series *series, double value)
{
    struct metric *metric = metric_of(series);
    uint64_t bits;
    if (!is_for(metric, METRIC_GAUGE, "set") || !isfinite(value) || !metric->owner->has_gauges)
        return;
    memcpy(&bits, &value, sizeof(bits));
    __atomic_store_n(cells_of(series), bits, __ATOMIC_RELAXED);
}

void series_observe(struct series *series, double value)
{
    struct metric *metric = metric_of(series);
    if (!is_for(metric, METRIC_HISTOGRAM, "observe") || !isfinite(value))
        return;
    uint32_t count = metric->record.bucket_count, i = 0;
    while (i < count && value > metric->record.buckets[i])
        ++i;
    add_to_cell(cells_of(series) + i, 1);
    add_to_cell(cells_of(series) + count + 1, value);
}
