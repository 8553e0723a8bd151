#include "process/ticket_region.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* A session lives for two hours: the key it was begun with is there that long. */
static const uint64_t rotation_us = 3600u * 1000 * 1000;
static const uint64_t retry_us = 60u * 1000 * 1000;

static struct ticket_keys *map_region(int fd, int protection)
{
    void *region = mmap(NULL, sizeof(struct ticket_keys), protection, MAP_SHARED, fd, 0);
    if (region == MAP_FAILED)
        return NULL;
    madvise(region, sizeof(struct ticket_keys), MADV_DONTDUMP);
    return region;
}

/* Sealed in size, so that nobody is killed by reading, and against writing by others, which old kernels cannot do. */
static bool seal(int fd)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    return fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0;
}

static bool add_key(struct ticket_keys *keys)
{
    struct ticket_key fresh;
    bool is_random = getrandom(&fresh, sizeof(fresh), 0) == (ssize_t)sizeof(fresh);
    if (is_random)
        ticket_keys_rotate(keys, &fresh);
    explicit_bzero(&fresh, sizeof(fresh));
    return is_random;
}

/* All places hold a key that nobody can guess. */
static bool fill(struct ticket_keys *keys)
{
    keys->magic = TICKET_KEYS_MAGIC;
    keys->version = TICKET_KEYS_VERSION;
    keys->size = sizeof(*keys);
    for (int i = 0; i < TICKET_KEYS_COUNT; ++i) {
        if (!add_key(keys))
            return false;
    }
    return true;
}

bool ticket_region_open(struct ticket_region *region)
{
    *region = (struct ticket_region){.fd = memfd_create("flexilib-tickets", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (region->fd == -1)
        return false;
    if (ftruncate(region->fd, (off_t)sizeof(*region->keys)) == 0)
        region->keys = map_region(region->fd, PROT_READ | PROT_WRITE);
    if (region->keys == NULL || !fill(region->keys) || !seal(region->fd)) {
        ticket_region_close(region);
        return false;
    }
    region->rotate_at_us = clock_monotonic_us() + rotation_us;
    return true;
}

void ticket_region_close(struct ticket_region *region)
{
    if (region->keys != NULL)
        munmap(region->keys, sizeof(*region->keys));
    if (region->fd != -1)
        close(region->fd);
    *region = (struct ticket_region){.fd = -1};
}

void ticket_region_step(struct ticket_region *region, uint64_t now_us)
{
    if (region->keys == NULL || now_us < region->rotate_at_us)
        return;
    region->rotate_at_us = now_us + (add_key(region->keys) ? rotation_us : retry_us);
}

const struct ticket_keys *ticket_region_attach(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return NULL;
    errno = EINVAL;
    if (status.st_size != (off_t)sizeof(struct ticket_keys))
        return NULL;
    struct ticket_keys *keys = map_region(fd, PROT_READ);
    if (keys == NULL)
        return NULL;
    if (keys->magic == TICKET_KEYS_MAGIC && keys->version == TICKET_KEYS_VERSION && keys->size == sizeof(*keys))
        return keys;
    munmap(keys, sizeof(*keys));
    errno = EINVAL;
    return NULL;
}
