#include "base/file.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void file_close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static bool close_and_fail(int fd)
{
    file_close_quietly(fd);
    return false;
}

bool file_read(const char *path, size_t limit_bytes, struct text *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1)
        return false;
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return close_and_fail(fd);
    }
    size_t start = out->length;
    text_add(out, SLICE(""));
    for (;;) {
        char *end = text_reserve(out, 16384);
        ssize_t got = read(fd, end, 16384);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return close_and_fail(fd);
        if (got == 0)
            break;
        out->length += (size_t)got;
        out->data[out->length] = '\0';
        if (out->length - start > limit_bytes) {
            errno = EFBIG;
            return close_and_fail(fd);
        }
    }
    close(fd);
    return true;
}

bool file_read_piece(int fd, void *buffer, size_t size, size_t *length)
{
    *length = 0;
    while (*length < size) {
        ssize_t got = read(fd, (char *)buffer + *length, size - *length);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return false;
        if (got == 0)
            break;
        *length += (size_t)got;
    }
    return true;
}

void file_fill_standard_descriptors(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
        ;
    if (fd != -1)
        close(fd);
}

int file_keep_off_standard_descriptors(int fd)
{
    if (fd > STDERR_FILENO || fd == -1)
        return fd;
    int other = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    file_close_quietly(fd);
    int saved = errno;
    file_fill_standard_descriptors();
    errno = saved;
    return other;
}

bool file_write_all(int fd, struct slice data)
{
    while (data.length != 0) {
        ssize_t written = write(fd, data.data, data.length);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            return false;
        data = slice_skip(data, (size_t)written);
    }
    return true;
}

bool file_make_folders_above(const char *path)
{
    char *copy = mem_copy_text(path, strlen(path));
    bool made = true;
    for (char *slash = strchr(copy + 1, '/'); made && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(copy, 0700) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return made;
}

bool file_write(const char *path, struct slice content, mode_t mode)
{
    if (!file_make_folders_above(path))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd == -1)
        return false;
    if (!file_write_all(fd, content))
        return close_and_fail(fd);
    return close(fd) == 0;
}

bool file_copy(const char *from, const char *to, mode_t mode)
{
    struct text content = TEXT_INIT;
    bool copied = file_read(from, SSIZE_MAX, &content) && file_write(to, text_slice(&content), mode);
    int saved = errno;
    text_finish(&content);
    errno = saved;
    return copied;
}

enum {
    DEEPEST_FOLDERS = 512, /* that are removed */
};

static bool remove_entry(int folder, const char *name, unsigned depth);

static void remove_entries(DIR *folder, unsigned depth)
{
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_entry(dirfd(folder), entry->d_name, depth);
    }
}

/* Goes by descriptors, never by paths: whoever owns a folder inside could otherwise swap it for a link meanwhile and
 * have files elsewhere removed. */
static bool remove_entry(int folder, const char *name, unsigned depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;
    /* as deep as somebody wants it, it would take our stack, memory and descriptors */
    if (depth == 0)
        return false;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *below = fd == -1 ? NULL : fdopendir(fd);
    if (below == NULL)
        return fd == -1 ? false : close_and_fail(fd);
    remove_entries(below, depth - 1);
    closedir(below);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool file_remove_tree(const char *path)
{
    return remove_entry(AT_FDCWD, path, DEEPEST_FOLDERS);
}

static void add_segments(struct text *out, struct slice path)
{
    while (path.length != 0) {
        size_t end = slice_find(path, '/');
        struct slice segment = slice_of(path.data, end);
        path = slice_skip(path, end < path.length ? end + 1 : end);
        if (segment.length == 0 || slice_equals(segment, SLICE(".")))
            continue;
        if (!slice_equals(segment, SLICE(".."))) {
            text_add_char(out, '/');
            text_add(out, segment);
            continue;
        }
        while (out->length != 0 && out->data[--out->length] != '/')
            ;
        out->data[out->length] = '\0';
    }
}

char *file_absolute(const char *base, const char *path)
{
    struct text out = TEXT_INIT;
    text_add(&out, SLICE(""));
    if (path[0] != '/') {
        char *current = base == NULL || base[0] != '/' ? getcwd(NULL, 0) : NULL;
        if (current != NULL)
            add_segments(&out, slice_from_text(current));
        free(current);
        if (base != NULL)
            add_segments(&out, slice_from_text(base));
    }
    add_segments(&out, slice_from_text(path));
    if (out.length == 0)
        text_add_char(&out, '/');
    return out.data;
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_copy_text(".", 1);
    return mem_copy_text(path, slash == path ? 1 : (size_t)(slash - path));
}

void file_add_to_pattern(const char *path, struct text *pattern)
{
    for (const char *c = path; *c != '\0'; ++c) {
        if (strchr("*?[]\\", *c) != NULL)
            text_add_char(pattern, '\\');
        text_add_char(pattern, *c);
    }
}
