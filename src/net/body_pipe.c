#include "net/body_pipe.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    MOST_PIPES = 256,
    MOST_WAITING = 32,
    DESCRIPTORS_FOR_ONE = 32,     /* that there may be, for each pipe */
    LEAST_ROOM_BYTES = 64 * 1024, /* what pipes have by default */
};

static void close_pipe(struct body_pipes *pipes, struct body_pipe *pipe)
{
    close(pipe->read_fd);
    close(pipe->write_fd);
    free(pipe);
    --pipes->count;
}

/* Two descriptors each; they are needed less than those of connections. */
static size_t most_pipes(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / DESCRIPTORS_FOR_ONE > MOST_PIPES)
        return MOST_PIPES;
    return (size_t)(limit.rlim_cur / DESCRIPTORS_FOR_ONE);
}

static struct body_pipe *open_pipe(struct body_pipes *pipes)
{
    int ends[2];
    if (pipes->count >= most_pipes() || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return NULL;
    struct body_pipe *pipe = mem_alloc(sizeof(*pipe));
    *pipe = (struct body_pipe){.read_fd = ends[0], .write_fd = ends[1]};
    ++pipes->count;
    /* users who have many are refused more room, and then given so little that copying is better */
    if (fcntl(ends[1], F_SETPIPE_SZ, BODY_PIPE_BYTES) == -1 && fcntl(ends[1], F_GETPIPE_SZ) < LEAST_ROOM_BYTES) {
        close_pipe(pipes, pipe);
        return NULL;
    }
    return pipe;
}

struct body_pipe *body_pipe_take(struct body_pipes *pipes)
{
    struct body_pipe *pipe = pipes->waiting;
    if (pipes->is_refused)
        return NULL;
    if (pipe == NULL)
        return open_pipe(pipes);
    pipes->waiting = pipe->next;
    --pipes->waiting_count;
    return pipe;
}

void body_pipe_give(struct body_pipes *pipes, struct body_pipe *pipe)
{
    if (pipe == NULL)
        return;
    if (pipe->length != 0 || pipes->waiting_count == MOST_WAITING) {
        close_pipe(pipes, pipe);
        return;
    }
    pipe->next = pipes->waiting;
    pipes->waiting = pipe;
    ++pipes->waiting_count;
}

void body_pipes_finish(struct body_pipes *pipes)
{
    while (pipes->waiting != NULL) {
        struct body_pipe *pipe = pipes->waiting;
        pipes->waiting = pipe->next;
        close_pipe(pipes, pipe);
    }
    pipes->waiting_count = 0;
}

ssize_t body_pipe_fill(struct body_pipe *pipe, int fd, size_t capacity)
{
    ssize_t moved;
    do {
        moved = splice(fd, NULL, pipe->write_fd, NULL, capacity, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (moved == -1 && errno == EINTR);
    if (moved > 0)
        pipe->length += (size_t)moved;
    return moved;
}

bool body_pipe_is_refusal(int error)
{
    return error == EINVAL || error == ENOSYS || error == EPERM;
}

bool body_pipe_drain(struct body_pipe *pipe, int fd)
{
    while (pipe->length != 0) {
        ssize_t moved = splice(pipe->read_fd, NULL, fd, NULL, pipe->length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved == -1 && errno == EINTR)
            continue;
        if (moved == 0)
            errno = EPIPE;
        if (moved <= 0)
            return false;
        pipe->length -= (size_t)moved;
    }
    return true;
}
