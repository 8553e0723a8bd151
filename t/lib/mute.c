/* Closes its process' first three descriptors for /mute, as some do that want to be left alone; writes to two of them
 * for any other path. */

#include <flexilib/filter.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct flexilib_core *core;

static bool create(const struct flexilib_core *given, const struct flexilib_value *values, void **filter)
{
    core = given;
    return true;
}

static bool is_path(const struct flexilib_exchange *exchange, const char *wanted)
{
    struct flexilib_text path = core->path(exchange);
    return path.length == strlen(wanted) && memcmp(path.data, wanted, path.length) == 0;
}

static int find_listener(void)
{
    int listens = 0;
    socklen_t length = sizeof(listens);
    for (int fd = 3; fd < 1000; ++fd) {
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0)
            return fd;
    }
    return -1;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    static const char line[] = "what nobody's client should read\n";
    if (is_path(exchange, "/mute")) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
            close(fd);
    } else if (is_path(exchange, "/deaf")) {
        close(find_listener());
    } else if (is_path(exchange, "/taken")) {
        dup2(STDIN_FILENO, find_listener());
    } else {
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; ++fd)
            (void)!write(fd, line, strlen(line));
    }
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {.name = "mute", .summary = "closes what others write to", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
