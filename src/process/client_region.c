#include "process/client_region.h"

#include "process/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static const size_t head_bytes = offsetof(struct client_counts, rows);

bool client_region_open(struct client_region *region)
{
    *region = (struct client_region){.fd = -1};
    region->counts = shared_memory_create("flexilib-clients", sizeof(struct client_counts), head_bytes, SHARED_TO_WRITE,
                                          &region->fd);
    if (region->counts == NULL)
        return false;
    region->counts->magic = CLIENT_COUNTS_MAGIC;
    region->counts->version = CLIENT_COUNTS_VERSION;
    region->counts->size = sizeof(struct client_counts);
    if (getrandom(region->counts->seed, sizeof(region->counts->seed), 0) == sizeof(region->counts->seed))
        return true;
    client_region_close(region);
    return false;
}

static bool is_known(const struct client_counts *counts)
{
    return counts->magic == CLIENT_COUNTS_MAGIC && counts->version == CLIENT_COUNTS_VERSION &&
           counts->size == sizeof(*counts);
}

bool client_region_adopt(struct client_region *region, int fd, uint32_t rows_used)
{
    struct client_counts *counts = shared_memory_adopt(fd, sizeof(*counts), head_bytes);
    if (counts != NULL && is_known(counts)) {
        *region = (struct client_region){.fd = fd, .counts = counts, .rows_used = rows_used};
        return true;
    }
    if (counts != NULL)
        munmap(counts, head_bytes);
    return false;
}

void client_region_close(struct client_region *region)
{
    if (region->counts != NULL)
        munmap(region->counts, head_bytes);
    if (region->fd != -1)
        close(region->fd);
    *region = (struct client_region){.fd = -1};
}

/* What was never written is no memory, and is none again. */
void client_region_clear_row(struct client_region *region, int row)
{
    if (row < 0 || row >= CLIENT_COUNT_ROWS)
        return;
    off_t position = (off_t)(head_bytes + (size_t)row * sizeof(struct client_row));
    fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, sizeof(struct client_row));
}

void client_region_start_row(struct client_region *region, int row)
{
    if (row < 0 || row >= CLIENT_COUNT_ROWS)
        return;
    client_region_clear_row(region, row);
    if ((uint32_t)row >= region->rows_used)
        region->rows_used = (uint32_t)row + 1;
    __atomic_store_n(&region->counts->rows_used, region->rows_used, __ATOMIC_RELEASE);
}

struct client_counts *client_region_attach(int fd)
{
    struct client_counts *counts = shared_memory_attach(fd, sizeof(*counts), SHARED_TO_WRITE);
    if (counts == NULL || is_known(counts))
        return counts;
    munmap(counts, sizeof(*counts));
    errno = EINVAL;
    return NULL;
}
