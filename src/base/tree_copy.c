#include "base/tree_copy.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_DEPTH = 128,
    PIECE_BYTES = 65536,
};

struct copying {
    uid_t owner;
    struct error *error;
};

static bool fail(struct copying *copying, const char *what, const char *name)
{
    return error_set(copying->error, "cannot %s '%s': %s", what, name, strerror(errno));
}

static bool copy_bytes(int from, int to)
{
    char piece[PIECE_BYTES];
    ssize_t length;
    while ((length = read(from, piece, sizeof(piece))) != 0) {
        if (length == -1 && errno == EINTR)
            continue;
        if (length == -1 || !file_write_all(to, slice_of(piece, (size_t)length)))
            return false;
    }
    return fdatasync(to) == 0;
}

static bool copy_file(struct copying *copying, int from, mode_t mode, int folder, const char *name)
{
    int to = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600 | (mode & 0100));
    if (to == -1)
        return fail(copying, "make", name);
    bool is_copied = copy_bytes(from, to) || fail(copying, "copy", name);
    close(to);
    return is_copied;
}

static bool copy_folder(struct copying *copying, int from, int to, unsigned depth);

static bool copy_below(struct copying *copying, int from, int folder, const char *name, unsigned depth)
{
    if (mkdirat(folder, name, 0700) == -1)
        return fail(copying, "make", name);
    int to = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to == -1)
        return fail(copying, "open", name);
    bool is_copied = copy_folder(copying, from, to, depth);
    close(to);
    return is_copied;
}

static bool copy_entry(struct copying *copying, int from_folder, int to_folder, const char *name, unsigned depth)
{
    struct stat status;
    int from = openat(from_folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from == -1)
        return errno == ELOOP || errno == ENXIO || fail(copying, "read", name);
    bool is_copied = fstat(from, &status) == 0;
    if (is_copied && status.st_uid == copying->owner && S_ISDIR(status.st_mode))
        is_copied = copy_below(copying, from, to_folder, name, depth);
    else if (is_copied && status.st_uid == copying->owner && S_ISREG(status.st_mode))
        is_copied = copy_file(copying, from, status.st_mode, to_folder, name);
    close(from);
    return is_copied;
}

static bool copy_folder(struct copying *copying, int from, int to, unsigned depth)
{
    int again = fcntl(from, F_DUPFD_CLOEXEC, 0);
    DIR *folder = again == -1 || depth == 0 ? NULL : fdopendir(again);
    bool is_copied = true;
    if (folder == NULL) {
        if (again != -1)
            close(again);
        return error_set(copying->error, "it cannot be read, or is too deep");
    }
    for (struct dirent *entry; is_copied && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_copied = copy_entry(copying, from, to, entry->d_name, depth - 1);
    }
    closedir(folder);
    return is_copied && (fsync(to) == 0 || fail(copying, "write", "the folder"));
}

bool tree_copy(const char *from, const char *to, struct error *error)
{
    struct copying copying = {.error = error};
    struct stat status;
    int source = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int target = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_copied = source != -1 && target != -1 && fstat(source, &status) == 0;
    if (is_copied) {
        copying.owner = status.st_uid;
        is_copied = copy_folder(&copying, source, target, MOST_DEPTH);
    } else {
        fail(&copying, "open", source == -1 ? from : to);
    }
    if (source != -1)
        close(source);
    if (target != -1)
        close(target);
    return is_copied;
}
