#include "process/ticket_region.h"

#include "base/clock.h"
#include "process/shared_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* A session lives for two hours: the key it was begun with is there that long. */
static const uint64_t rotation_us = 3600u * 1000 * 1000;
static const uint64_t retry_us = 60u * 1000 * 1000;

static void keep_secret(struct ticket_keys *keys)
{
    madvise(keys, sizeof(*keys), MADV_DONTDUMP);
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
    *region = (struct ticket_region){.fd = -1};
    region->keys = shared_memory_create("flexilib-tickets", sizeof(*region->keys), sizeof(*region->keys),
                                        SHARED_TO_READ, &region->fd);
    if (region->keys == NULL)
        return false;
    keep_secret(region->keys);
    if (!fill(region->keys)) {
        ticket_region_close(region);
        return false;
    }
    region->rotate_at_us = clock_monotonic_us() + rotation_us;
    return true;
}

bool ticket_region_adopt(struct ticket_region *region, int fd, uint64_t rotate_at_us)
{
    const struct ticket_keys *old = ticket_region_attach(fd);
    bool is_open = ticket_region_open(region);
    if (is_open && old != NULL) {
        memcpy(region->keys->items, old->items, sizeof(old->items));
        region->rotate_at_us = rotate_at_us;
    }
    if (old != NULL)
        munmap((void *)(uintptr_t)old, sizeof(*old));
    close(fd);
    return is_open;
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
    struct ticket_keys *keys = shared_memory_attach(fd, sizeof(*keys), SHARED_TO_READ);
    if (keys == NULL)
        return NULL;
    keep_secret(keys);
    if (keys->magic == TICKET_KEYS_MAGIC && keys->version == TICKET_KEYS_VERSION && keys->size == sizeof(*keys))
        return keys;
    munmap(keys, sizeof(*keys));
    errno = EINVAL;
    return NULL;
}
