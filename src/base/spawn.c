#include "base/spawn.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STATUS_CANNOT_EXECUTE = 127,
};

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; ++number)
        sigaction(number, &action, NULL);
}

static void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First all are moved above the numbers they will get, since one may stand where another belongs. */
static bool place_descriptors(const struct spawn *spawn, int *program_fd)
{
    int count = (int)spawn->descriptor_count;
    int moved[16];
    if (count > (int)(sizeof(moved) / sizeof(moved[0])))
        return false;
    *program_fd = fcntl(spawn->program_fd, F_DUPFD_CLOEXEC, count);
    for (int i = 0; i < count; ++i) {
        int fd = spawn->descriptors[i] == -1 ? open("/dev/null", O_RDWR | O_CLOEXEC) : spawn->descriptors[i];
        moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, count);
        if (moved[i] == -1)
            return false;
    }
    for (int i = 0; i < count; ++i) {
        if (dup2(moved[i], i) == -1)
            return false;
    }
    /* All descriptors of ours close by themselves; this is for those that others left us, where the kernel knows how.
     */
    close_range((unsigned)count, ~0u, CLOSE_RANGE_CLOEXEC);
    return *program_fd != -1;
}

/* All of them close by themselves otherwise. */
static bool keep_descriptors(const struct spawn *spawn, int flags)
{
    for (size_t i = 0; i < spawn->kept_count; ++i) {
        if (fcntl(spawn->kept[i], F_SETFD, flags) == -1)
            return false;
    }
    return true;
}

static void become_program(const struct spawn *spawn)
{
    int program_fd = -1;
    reset_signals();
    if (!spawn->keeps_signals_blocked)
        unblock_signals();
    if (place_descriptors(spawn, &program_fd) && keep_descriptors(spawn, 0))
        fexecve(program_fd, spawn->arguments, environ);
    log_line(LOG_LEVEL_ERROR, "cannot execute %s: %s", spawn->arguments[0], strerror(errno));
    _exit(STATUS_CANNOT_EXECUTE);
}

pid_t spawn_program(const struct spawn *spawn)
{
    pid_t pid = fork();
    if (pid == 0)
        become_program(spawn);
    return pid;
}

void spawn_replacement(const struct spawn *spawn)
{
    fflush(NULL);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (keep_descriptors(spawn, 0))
        fexecve(spawn->program_fd, spawn->arguments, environ);
    int saved = errno;
    (void)!keep_descriptors(spawn, FD_CLOEXEC);
    errno = saved;
}

pid_t spawn_copy(int (*run)(void *data), void *data)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    reset_signals();
    unblock_signals();
    int status = run(data);
    fflush(NULL);
    _exit(status);
}
