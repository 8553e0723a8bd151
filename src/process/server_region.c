#include "process/server_region.h"

#include "base/clock.h"
#include "process/shared_memory.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t head_bytes = offsetof(struct server_states, counts);

static off_t position_of(uint32_t number, uint32_t row)
{
    return (off_t)(head_bytes + ((size_t)number * SERVER_COUNT_ROWS + row) * sizeof(struct server_count));
}

bool server_region_open(struct server_region *region)
{
    *region = (struct server_region){.fd = -1};
    region->states = shared_memory_create("flexilib-servers", sizeof(struct server_states), head_bytes, SHARED_TO_WRITE,
                                          &region->fd);
    if (region->states == NULL)
        return false;
    region->states->magic = SERVER_STATES_MAGIC;
    region->states->version = SERVER_STATES_VERSION;
    region->states->size = sizeof(struct server_states);
    return true;
}

static bool is_known(const struct server_states *states)
{
    return states->magic == SERVER_STATES_MAGIC && states->version == SERVER_STATES_VERSION &&
           states->size == sizeof(*states);
}

bool server_region_adopt(struct server_region *region, int fd, uint32_t rows_used)
{
    struct server_states *states = shared_memory_adopt(fd, sizeof(*states), head_bytes);
    if (states != NULL && is_known(states)) {
        *region = (struct server_region){.fd = fd, .states = states, .rows_used = rows_used};
        return true;
    }
    if (states != NULL)
        munmap(states, head_bytes);
    return false;
}

void server_region_close(struct server_region *region)
{
    if (region->states != NULL)
        munmap(region->states, head_bytes);
    if (region->fd != -1)
        close(region->fd);
    *region = (struct server_region){.fd = -1};
}

void server_region_use_row(struct server_region *region, uint32_t row)
{
    if (row < SERVER_COUNT_ROWS && row >= region->rows_used)
        region->rows_used = row + 1;
    __atomic_store_n(&region->states->rows_used, region->rows_used, __ATOMIC_RELEASE);
}

void server_region_clear_row(struct server_region *region, uint32_t row, uint32_t number)
{
    struct server_count count;
    const struct server_count none = {0};
    if (row >= SERVER_COUNT_ROWS || pread(region->fd, &count, sizeof(count), position_of(number, row)) != sizeof(count))
        return;
    if (count.requests != 0 || count.connections != 0)
        (void)!pwrite(region->fd, &none, sizeof(none), position_of(number, row));
}

void server_region_wipe(struct server_region *region, uint32_t number)
{
    memset(&region->states->states[number], 0, sizeof(struct server_state));
    if (fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position_of(number, 0),
                  SERVER_COUNT_ROWS * sizeof(struct server_count)) == 0)
        return;
    for (uint32_t row = 0; row < region->rows_used; ++row)
        server_region_clear_row(region, row, number);
}

struct server_state server_region_read(const struct server_region *region, uint32_t number)
{
    struct server_state copy;
    memcpy(&copy, &region->states->states[number], sizeof(copy));
    return copy;
}

struct server_count server_region_count(const struct server_region *region, uint32_t number)
{
    struct server_count rows[SERVER_COUNT_ROWS];
    struct server_count sum = {0};
    size_t length = region->rows_used * sizeof(rows[0]);
    if (pread(region->fd, rows, length, position_of(number, 0)) != (ssize_t)length)
        return sum;
    for (uint32_t row = 0; row < region->rows_used; ++row) {
        sum.requests += rows[row].requests;
        sum.connections += rows[row].connections;
    }
    return sum;
}

/* Counts are never written before there is something to count, and untouched pages are holes. */
bool server_region_is_counted(const struct server_region *region, uint32_t number)
{
    off_t position = position_of(number, 0);
    return lseek(region->fd, position, SEEK_DATA) == position;
}

void server_region_drain(struct server_region *region, uint32_t number, bool is_drained)
{
    if (is_drained)
        server_state_drain(&region->states->states[number]);
    else
        server_state_make_ready(&region->states->states[number], clock_monotonic_us() / 1000);
}

struct server_states *server_region_attach(int fd)
{
    struct server_states *states = shared_memory_attach(fd, sizeof(*states), SHARED_TO_WRITE);
    if (states == NULL || is_known(states))
        return states;
    munmap(states, sizeof(*states));
    return NULL;
}
