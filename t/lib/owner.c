/* Owns a port, on which a thread of its own tells who it is and closes. As a handler it tells whether it has the port
 * ("owns"), or has given it up ("quiet"), and how often it has. `hold` and `quiesce` are pipes: create, when it has the
 * port, and quiesce wait until somebody has written to them and closed. */

#include <flexilib/filter.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    OPTION_NAME,
    OPTION_PORT,
    OPTION_SHARED,
    OPTION_HOLD,
    OPTION_FAIL,
    OPTION_KEEP,
    OPTION_QUIESCE,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_NAME] = {"name", FLEXILIB_OPTION_TEXT, .fallback = "owner", .summary = "what is told"},
    [OPTION_PORT] = {"port", FLEXILIB_OPTION_INTEGER, .required = true, .summary = "which"},
    [OPTION_SHARED] = {"shared", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "with SO_REUSEPORT"},
    [OPTION_HOLD] = {"hold", FLEXILIB_OPTION_TEXT, .summary = "create waits for that pipe"},
    [OPTION_FAIL] = {"fail", FLEXILIB_OPTION_TEXT, .fallback = "no", .summary = "then: refuse or crash"},
    [OPTION_KEEP] = {"keep", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "quiesce says no"},
    [OPTION_QUIESCE] = {"quiesce", FLEXILIB_OPTION_TEXT, .summary = "quiesce waits for that pipe"},
};

struct owner {
    const struct flexilib_core *core;
    char *name;
    uint16_t port;
    bool is_shared, is_keeping;
    char *quiesce_pipe;
    int fd; /* -1: has it not */
    pthread_t thread;
    unsigned quiesced;
};

static void *tell(void *argument)
{
    const struct owner *owner = argument;
    int fd;
    while ((fd = accept(owner->fd, NULL, NULL)) != -1) {
        dprintf(fd, "%s %d\n", owner->name, (int)getpid());
        close(fd);
    }
    return NULL;
}

static bool take_port(struct owner *owner)
{
    int yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(owner->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    owner->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(owner->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (owner->is_shared)
        setsockopt(owner->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
    if (bind(owner->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(owner->fd, 16) != 0 ||
        pthread_create(&owner->thread, NULL, tell, owner) != 0) {
        close(owner->fd);
        owner->fd = -1;
    }
    return owner->fd != -1;
}

static void give_port(struct owner *owner)
{
    if (owner->fd == -1)
        return;
    shutdown(owner->fd, SHUT_RDWR);
    pthread_join(owner->thread, NULL);
    close(owner->fd);
    owner->fd = -1;
}

static char *copy(const struct flexilib_value *value)
{
    return value->present ? strndup(value->text.data, value->text.length) : NULL;
}

static void wait_for(const char *pipe)
{
    char buffer[16];
    int fd = pipe == NULL ? -1 : open(pipe, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return;
    while (read(fd, buffer, sizeof(buffer)) > 0)
        continue;
    close(fd);
}

static void destroy(void *filter)
{
    struct owner *owner = filter;
    give_port(owner);
    free(owner->name);
    free(owner->quiesce_pipe);
    free(owner);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct owner *owner = calloc(1, sizeof(*owner));
    const struct flexilib_value *fail = &values[OPTION_FAIL];
    owner->core = core;
    owner->name = copy(&values[OPTION_NAME]);
    owner->port = (uint16_t)values[OPTION_PORT].integer;
    owner->is_shared = values[OPTION_SHARED].boolean;
    owner->is_keeping = values[OPTION_KEEP].boolean;
    owner->quiesce_pipe = copy(&values[OPTION_QUIESCE]);
    if (!take_port(owner)) {
        const char *why = strerror(errno);
        core->refuse(core, OPTION_PORT, why, strlen(why));
        destroy(owner);
        return false;
    }
    char *hold = copy(&values[OPTION_HOLD]);
    wait_for(hold);
    free(hold);
    if (fail->text.length == 5)
        raise(SIGSEGV);
    if (fail->text.length == 6) {
        core->refuse(core, -1, FLEXILIB_ARG("it is not in the mood"));
        destroy(owner);
        return false;
    }
    *filter = owner;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct owner *owner = filter;
    char text[64];
    int length = snprintf(text, sizeof(text), "%s %u\n", owner->fd == -1 ? "quiet" : "owns", owner->quiesced);
    owner->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, (size_t)length);
    return FLEXILIB_REPLY;
}

static bool quiesce(void *filter)
{
    struct owner *owner = filter;
    wait_for(owner->quiesce_pipe);
    if (owner->is_keeping)
        return false;
    give_port(owner);
    ++owner->quiesced;
    return true;
}

static void wake(void *filter)
{
    struct owner *owner = filter;
    if (!take_port(owner))
        owner->core->log(owner->core, NULL, FLEXILIB_ERROR, FLEXILIB_ARG("the port is not to be had"));
}

static const struct flexilib_filter filters[] = {
    {.name = "owner",
     .summary = "owns a port",
     .version = "1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = destroy,
     .on_request_head = on_request_head,
     .flags = FLEXILIB_EXCLUSIVE,
     .quiesce = quiesce,
     .wake = wake},
};

FLEXILIB_LIBRARY(filters);
