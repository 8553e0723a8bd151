#include "process/program.h"

#include "base/alloc.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";

/* What the kernel was told to execute, unless that says nothing by now; a program that was executed from a descriptor
 * has no other name than its path. */
static char *find_origin(const struct program *program)
{
    const char *named = (const char *)getauxval(AT_EXECFN);
    struct stat there, ours;
    if (named != NULL && strncmp(named, "/dev/fd/", strlen("/dev/fd/")) != 0 && stat(named, &there) == 0 &&
        fstat(program->fd, &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
        return file_absolute(NULL, named);
    return mem_copy_text(program->path, strlen(program->path));
}

bool program_open(struct program *program)
{
    char path[PATH_MAX];
    *program = (struct program){.fd = open(self, O_RDONLY | O_CLOEXEC)};
    if (program->fd == -1)
        return false;
    ssize_t length = readlink(self, path, sizeof(path));
    if (length == -1) {
        program_close(program);
        return false;
    }
    program->path = mem_copy_text(path, (size_t)length);
    program->origin = find_origin(program);
    return true;
}

bool program_open_again(struct program *program, char *origin, char *path)
{
    if (!program_open(program))
        return false;
    free(program->origin);
    free(program->path);
    program->origin = origin;
    program->path = path;
    return true;
}

static char *find_path(int fd)
{
    char link[sizeof("/proc/self/fd/") + 20], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path));
    return length == -1 ? NULL : mem_copy_text(path, (size_t)length);
}

/* What is no program could only be refused by the kernel, which does not say why. */
static bool check_program(int fd, const char *path, struct error *error)
{
    struct stat status;
    char magic[sizeof(ELFMAG) - 1] = {0};
    if (fstat(fd, &status) == -1 || !S_ISREG(status.st_mode) || pread(fd, magic, sizeof(magic), 0) == -1 ||
        memcmp(magic, ELFMAG, sizeof(magic)) != 0)
        return error_set(error, "%s is no program", path);
    return (status.st_mode & 0111) != 0 || error_set(error, "%s may not be executed", path);
}

bool program_open_next(const struct program *program, struct program *next, struct error *error)
{
    *next = (struct program){.fd = open(program->origin, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (next->fd == -1)
        return error_set(error, "cannot open %s: %s", program->origin, strerror(errno));
    next->origin = mem_copy_text(program->origin, strlen(program->origin));
    next->path = find_path(next->fd);
    if (next->path == NULL)
        error_set(error, "cannot find %s: %s", program->origin, strerror(errno));
    else if (check_program(next->fd, program->origin, error))
        return true;
    program_close(next);
    return false;
}

void program_close(struct program *program)
{
    if (program->fd != -1)
        close(program->fd);
    free(program->path);
    free(program->origin);
    *program = (struct program){.fd = -1};
}

/* Relative to the program, so that an installation may be moved as a whole. The last one is taken where none is there.
 */
static char *find_folder(const char *program_path, const char *const *candidates)
{
    char *folder = file_folder(program_path);
    char *found = NULL;
    for (int i = 0; candidates[i] != NULL; ++i) {
        struct stat status;
        free(found);
        found = file_absolute(folder, candidates[i]);
        /* One that we may not enter is the right one all the same: whoever opens it says so. */
        if (stat(found, &status) == 0 ? S_ISDIR(status.st_mode) : errno == EACCES)
            break;
    }
    free(folder);
    return found;
}

char *program_bundled_folder(const char *program_path)
{
    static const char *const candidates[] = {"filters", "../" FLEXILIB_LIBRARY_FOLDER, FLEXILIB_FULL_LIBRARY_FOLDER,
                                             NULL};
    return find_folder(program_path, candidates);
}

char *program_data_folder(const char *program_path)
{
    static const char *const candidates[] = {"share", "../" FLEXILIB_DATA_FOLDER, FLEXILIB_FULL_DATA_FOLDER, NULL};
    return find_folder(program_path, candidates);
}
