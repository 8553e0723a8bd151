#include "process/program.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";

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
    return true;
}

void program_close(struct program *program)
{
    if (program->fd != -1)
        close(program->fd);
    free(program->path);
    *program = (struct program){.fd = -1};
}

char *program_bundled_folder(const char *program_path)
{
    /* Relative to the program, so that an installation may be moved as a whole. */
    static const char *const candidates[] = {"filters", "../" FLEXILIB_LIBRARY_FOLDER, FLEXILIB_FULL_LIBRARY_FOLDER};
    enum {
        COUNT = sizeof(candidates) / sizeof(candidates[0]),
    };
    char *folder = file_folder(program_path);
    char *found = NULL;
    for (int i = 0; i < COUNT; ++i) {
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
