#include "base/thread_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns false with errno set. line becomes a text in any case. */
static bool read_line(pid_t tid, const char *name, char *line, size_t capacity)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd == -1 ? -1 : read(fd, line, capacity - 1);
    int problem = errno;
    if (fd != -1)
        close(fd);
    line[length < 0 ? 0 : length] = '\0';
    errno = problem;
    return length >= 0;
}

bool thread_has_ended(pid_t tid)
{
    char line[256];
    if (!read_line(tid, "stat", line, sizeof(line)))
        return errno == ENOENT || errno == ESRCH;
    const char *state = strrchr(line, ')');
    return state != NULL && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X');
}

bool thread_is_waiting(pid_t tid, uint64_t *pc, uint64_t *sp)
{
    char line[256];
    long call;
    return read_line(tid, "syscall", line, sizeof(line)) &&
           sscanf(line, "%ld %*x %*x %*x %*x %*x %*x %" SCNx64 " %" SCNx64, &call, sp, pc) == 3 && call != SYS_futex;
}
