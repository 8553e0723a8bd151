#include "process/logs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "process/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_standard_output(const struct log_file *log)
{
    return strcmp(log->path, "-") == 0;
}

/* Root goes after no link that somebody else could put there: the log would be written into any file. */
static bool may_follow(const char *path)
{
    struct stat status;
    char *folder = file_folder(path);
    bool is_safe = geteuid() != 0 || (stat(folder, &status) == 0 && status.st_uid == 0 && (status.st_mode & 022) == 0);
    free(folder);
    errno = ELOOP;
    return is_safe;
}

/* Non-blocking only for the moment of opening, which would wait for the reader of a FIFO. */
static int open_file(const struct log_file *log)
{
    if (is_standard_output(log))
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(log->path, flags | O_NOFOLLOW, 0644);
    if (fd == -1 && errno == ELOOP && may_follow(log->path))
        fd = open(log->path, flags, 0644);
    if (fd != -1)
        fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

static void free_log(struct log_file *log)
{
    free(log->path);
    free(log);
}

struct log_file *logs_take(struct logs *logs, struct slice path)
{
    for (struct log_file *log = logs->first; log != NULL; log = log->next) {
        if (slice_equals(slice_from_text(log->path), path)) {
            ++log->users;
            return log;
        }
    }
    struct log_file *log = mem_zalloc(sizeof(*log));
    log->path = mem_copy_text(path.data, path.length);
    log->fd = open_file(log);
    if (log->fd == -1) {
        int saved = errno;
        free_log(log);
        errno = saved;
        return NULL;
    }
    log->users = 1;
    log->next = logs->first;
    logs->first = log;
    return log;
}

void logs_restore(struct logs *logs, const char *path, int fd)
{
    struct log_file *log = mem_zalloc(sizeof(*log));
    log->path = mem_copy_text(path, strlen(path));
    log->fd = fd;
    log->next = logs->first;
    logs->first = log;
}

bool logs_is_possible(const char *path)
{
    struct stat status;
    if (strcmp(path, "-") == 0)
        return true;
    if (stat(path, &status) == 0) {
        errno = EISDIR;
        return !S_ISDIR(status.st_mode);
    }
    if (errno != ENOENT)
        return errno == EACCES;
    char *folder = file_folder(path);
    bool is_there = stat(folder, &status) == 0 || errno == EACCES;
    int saved = errno;
    free(folder);
    errno = saved;
    return is_there;
}

void logs_release(struct logs *logs, struct log_file *log)
{
    if (--log->users != 0)
        return;
    struct log_file **link = &logs->first;
    while (*link != log)
        link = &(*link)->next;
    *link = log->next;
    close(log->fd);
    free_log(log);
}

bool logs_reopen(struct logs *logs)
{
    bool is_complete = true;
    for (struct log_file *log = logs->first; log != NULL; log = log->next) {
        int fd = is_standard_output(log) ? -1 : open_file(log);
        if (fd == -1 && !is_standard_output(log)) {
            console_log(LOG_LEVEL_ERROR, "cannot reopen %s: %s; lines go where they went before", log->path,
                        strerror(errno));
            is_complete = false;
        }
        if (fd == -1)
            continue;
        close(log->fd);
        log->fd = fd;
    }
    return is_complete;
}
