/* Says READY in its worker's name while it is loaded, for more workers than a small number can count. */

#include <flexilib/filter.h>

#include <sys/socket.h>

enum {
    CHANNEL_FD = 3,
};

__attribute__((constructor)) static void lie(void)
{
    static const char ready[] = "READY 4294967296 1000 1000";
    send(CHANNEL_FD, ready, sizeof(ready) - 1, MSG_NOSIGNAL);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    return true;
}

static const struct flexilib_filter filters[] = {
    {.name = "liar", .create = create},
};

FLEXILIB_LIBRARY(filters);
