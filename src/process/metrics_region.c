#include "process/metrics_region.h"

#include "base/metrics_text.h"
#include "process/shared_memory.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static const size_t head_bytes = offsetof(struct metrics_table, metrics);

bool metrics_region_open(struct metrics_region *region)
{
    uint64_t secret[2] = {0};
    *region = (struct metrics_region){.fd = -1};
    region->table = shared_memory_create("flexilib-metrics", sizeof(struct metrics_table), head_bytes, SHARED_TO_WRITE,
                                         &region->fd);
    if (region->table == NULL)
        return false;
    if (getrandom(secret, sizeof(secret), 0) == sizeof(secret)) {
        metrics_table_init(region->table, secret);
        return true;
    }
    metrics_region_close(region);
    return false;
}

bool metrics_region_adopt(struct metrics_region *region, int fd, uint32_t rows_used)
{
    struct metrics_table *table = shared_memory_adopt(fd, sizeof(*table), head_bytes);
    if (table != NULL && metrics_table_is_known(table)) {
        *region = (struct metrics_region){.fd = fd, .table = table, .rows_used = rows_used};
        return true;
    }
    if (table != NULL)
        munmap(table, head_bytes);
    return false;
}

void metrics_region_close(struct metrics_region *region)
{
    if (region->table != NULL)
        munmap(region->table, head_bytes);
    if (region->fd != -1)
        close(region->fd);
    *region = (struct metrics_region){.fd = -1};
}

void metrics_region_start(struct metrics_region *region, int slot)
{
    if (slot < 0)
        return;
    uint32_t rows = slot < METRICS_ROWS ? (uint32_t)slot + 1 : METRICS_ROWS;
    region->rows_used = rows > region->rows_used ? rows : region->rows_used;
    __atomic_store_n(&region->table->rows_used, region->rows_used, __ATOMIC_RELEASE);
}

static uint32_t read_number(const struct metrics_region *region, size_t place)
{
    uint32_t number;
    return pread(region->fd, &number, sizeof(number), (off_t)place) == sizeof(number) ? number : UINT32_MAX;
}

static bool is_gauge(const struct metrics_region *region, uint32_t metric)
{
    if (metric >= METRICS_MOST)
        return false;
    size_t record = offsetof(struct metrics_table, metrics) + metric * sizeof(struct metric_record);
    return read_number(region, record + offsetof(struct metric_record, kind)) == METRIC_GAUGE;
}

/* What was never written is no memory, and is none again. */
static void clear_cell(const struct metrics_region *region, uint32_t row, uint32_t cell)
{
    uint64_t value = 0;
    if (cell >= METRICS_MOST_CELLS)
        return;
    size_t number = (size_t)row * METRICS_MOST_CELLS + cell;
    off_t place = (off_t)(offsetof(struct metrics_table, cells) + number * sizeof(value));
    if (pread(region->fd, &value, sizeof(value), place) != sizeof(value) || value == 0)
        return;
    value = 0;
    (void)!pwrite(region->fd, &value, sizeof(value), place);
}

void metrics_region_bury(struct metrics_region *region, int slot)
{
    if (slot < 0)
        return;
    shared_lock_bury(&region->table->lock, (uint32_t)slot);
    uint32_t count = slot < METRICS_ROWS ? metrics_table_count_series(region->table) : 0;
    for (uint32_t i = 0; i < count; ++i) {
        size_t record = offsetof(struct metrics_table, series) + i * sizeof(struct series_record);
        if (is_gauge(region, read_number(region, record + offsetof(struct series_record, metric))))
            clear_cell(region, (uint32_t)slot, read_number(region, record + offsetof(struct series_record, cell)));
    }
}

bool metrics_region_print(const struct metrics_region *region, uint32_t serving, struct text *out)
{
    struct metrics_table *table = shared_memory_attach(region->fd, sizeof(*table), SHARED_TO_READ);
    if (table == NULL)
        return false;
    metrics_text_add(table, serving, out);
    munmap(table, sizeof(*table));
    return true;
}

struct metrics_table *metrics_region_attach(int fd)
{
    struct metrics_table *table = shared_memory_attach(fd, sizeof(*table), SHARED_TO_WRITE);
    if (table == NULL)
        return NULL;
    if (metrics_table_is_known(table))
        return table;
    munmap(table, sizeof(*table));
    errno = EINVAL;
    return NULL;
}
