#include "process/supervision_region.h"

#include "base/clock.h"
#include "process/shared_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

bool supervision_region_open(struct supervision_region *region)
{
    *region = (struct supervision_region){.fd = -1};
    region->supervision = shared_memory_create("flexilib-supervision", sizeof(*region->supervision),
                                               sizeof(*region->supervision), SHARED_TO_WRITE, &region->fd);
    if (region->supervision == NULL)
        return false;
    supervision_init(region->supervision, FLEXILIB_VERSION, clock_unix_ms());
    return true;
}

bool supervision_region_adopt(struct supervision_region *region, int fd)
{
    struct supervision *supervision = shared_memory_adopt(fd, sizeof(*supervision), sizeof(*supervision));
    if (supervision != NULL && supervision_is_known(supervision)) {
        *region = (struct supervision_region){.fd = fd, .supervision = supervision};
        return true;
    }
    if (supervision != NULL)
        munmap(supervision, sizeof(*supervision));
    close(fd);
    return supervision_region_open(region);
}

void supervision_region_close(struct supervision_region *region)
{
    if (region->supervision != NULL)
        munmap(region->supervision, sizeof(*region->supervision));
    if (region->fd != -1)
        close(region->fd);
    *region = (struct supervision_region){.fd = -1};
}

const struct supervision *supervision_region_attach(int fd)
{
    struct supervision *supervision = shared_memory_attach(fd, sizeof(*supervision), SHARED_TO_READ);
    if (supervision == NULL || supervision_is_known(supervision))
        return supervision;
    munmap(supervision, sizeof(*supervision));
    errno = EINVAL;
    return NULL;
}
