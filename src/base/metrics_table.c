#include "base/metrics_table.h"

#include "base/characters.h"

void metrics_table_init(struct metrics_table *table, const uint64_t secret[2])
{
    table->magic = METRICS_MAGIC;
    table->version = METRICS_VERSION;
    table->size = sizeof(*table);
    table->secret[0] = secret[0];
    table->secret[1] = secret[1];
}

bool metrics_table_is_known(const struct metrics_table *table)
{
    return table->magic == METRICS_MAGIC && table->version == METRICS_VERSION && table->size == sizeof(*table);
}

static uint32_t read_count(const uint32_t *count, uint32_t most)
{
    uint32_t value = __atomic_load_n(count, __ATOMIC_ACQUIRE);
    return value < most ? value : most;
}

uint32_t metrics_table_count_metrics(const struct metrics_table *table)
{
    return read_count(&table->metric_count, METRICS_MOST);
}

uint32_t metrics_table_count_series(const struct metrics_table *table)
{
    return read_count(&table->series_count, METRICS_MOST_SERIES);
}

uint32_t metrics_table_count_cells(uint32_t kind, uint32_t bucket_count)
{
    return kind == METRIC_HISTOGRAM ? bucket_count + 2 : 1;
}

static size_t copy_character(char *to, struct slice from)
{
    size_t length = character_length(from);
    bool is_fit = length != 0 && !character_is_control(slice_of(from.data, length));
    if (is_fit)
        memcpy(to, from.data, length);
    else
        *to = '?';
    return is_fit ? length : 1;
}

bool metrics_table_pack(char values[METRIC_VALUES_BYTES], uint32_t *length, struct slice value)
{
    uint32_t start = *length + 2, end = start;
    if (value.length > METRIC_VALUES_BYTES || start + value.length > METRIC_VALUES_BYTES)
        return false;
    while (value.length != 0) {
        size_t whole = character_length(value);
        end += (uint32_t)copy_character(values + end, value);
        value = slice_skip(value, whole == 0 ? 1 : whole);
    }
    values[*length] = (char)((end - start) >> 8);
    values[*length + 1] = (char)((end - start) & 0xff);
    *length = end;
    return true;
}

bool metrics_table_unpack(struct slice *values, struct slice *value)
{
    if (values->length < 2)
        return false;
    size_t length = (size_t)(unsigned char)values->data[0] << 8 | (unsigned char)values->data[1];
    if (length > values->length - 2)
        return false;
    *value = slice_of(values->data + 2, length);
    *values = slice_skip(*values, length + 2);
    return true;
}
