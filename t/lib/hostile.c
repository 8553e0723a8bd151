/* A library that has been taken over: says things to the supervisor in its worker's name, or writes nonsense into
 * shared memory. */

#include <flexilib/filter.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
    CHANNEL_FD = 3,
};

static const struct flexilib_option options[] = {
    {"say", FLEXILIB_OPTION_TEXT, .summary = "a message for the supervisor"},
    {"scribble", FLEXILIB_OPTION_INTEGER, .summary = "overwrite the region with this descriptor"},
};

static void scribble(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return;
    void *region = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (region != MAP_FAILED)
        memset(region, 0xff, (size_t)status.st_size / 4);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    if (values[0].present)
        send(CHANNEL_FD, values[0].text.data, values[0].text.length, 0);
    if (values[1].present)
        scribble((int)values[1].integer);
    return true;
}

static const struct flexilib_filter filters[] = {
    {.name = "hostile", .options = options, .option_count = 2, .create = create},
};

FLEXILIB_LIBRARY(filters);
