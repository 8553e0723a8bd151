#include "process/dictionary_region.h"

#include "base/units.h"
#include "process/console.h"
#include "process/shared_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static uint64_t read_size(void)
{
    const char *value = getenv("FLEXILIB_DICTIONARY_SIZE");
    int64_t bytes;
    if (value == NULL)
        return DICTIONARY_DEFAULT_BYTES;
    if (!units_parse_size_bytes(slice_from_text(value), &bytes))
        console_log(LOG_LEVEL_WARNING, "FLEXILIB_DICTIONARY_SIZE: '%s' is no size such as 64MB", value);
    else if (bytes < DICTIONARY_LEAST_BYTES || (uint64_t)bytes > dictionary_most_bytes)
        console_log(LOG_LEVEL_WARNING, "FLEXILIB_DICTIONARY_SIZE: %s is not between 1MB and 64GB", value);
    else
        return (uint64_t)bytes / 4096 * 4096;
    return DICTIONARY_DEFAULT_BYTES;
}

bool dictionary_region_open(struct dictionary_region *region)
{
    uint64_t bytes = read_size(), secret[2] = {0};
    *region = (struct dictionary_region){.fd = -1};
    region->head =
        shared_memory_create("flexilib-dictionary", bytes, sizeof(*region->head), SHARED_TO_WRITE, &region->fd);
    if (region->head == NULL)
        return false;
    if (getrandom(secret, sizeof(secret), 0) == sizeof(secret)) {
        dictionary_region_head_init(region->head, bytes, secret);
        return true;
    }
    dictionary_region_close(region);
    return false;
}

bool dictionary_region_adopt(struct dictionary_region *region, int fd)
{
    size_t bytes = shared_memory_size(fd);
    struct dictionary_region_head *head = bytes < sizeof(*head) ? NULL : shared_memory_adopt(fd, bytes, sizeof(*head));
    if (head != NULL && head->magic == DICTIONARY_MAGIC && head->version == DICTIONARY_VERSION && head->size == bytes) {
        *region = (struct dictionary_region){.fd = fd, .head = head};
        return true;
    }
    if (head != NULL)
        munmap(head, sizeof(*head));
    return false;
}

void dictionary_region_close(struct dictionary_region *region)
{
    if (region->head != NULL)
        munmap(region->head, sizeof(*region->head));
    if (region->fd != -1)
        close(region->fd);
    *region = (struct dictionary_region){.fd = -1};
}

void dictionary_region_bury(struct dictionary_region *region, int slot)
{
    if (slot >= 0)
        dictionary_region_head_bury(region->head, (uint32_t)slot);
}

struct dictionary_store *dictionary_region_attach(int fd, uint32_t slot)
{
    size_t bytes = shared_memory_size(fd);
    void *memory = bytes == 0 ? NULL : shared_memory_attach(fd, bytes, SHARED_TO_WRITE);
    if (memory == NULL)
        return NULL;
    struct dictionary_store *store = dictionary_store_create(memory, bytes, slot);
    if (store == NULL) {
        munmap(memory, bytes);
        errno = EINVAL;
    }
    return store;
}
