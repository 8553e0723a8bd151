#include "files/file_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
    MOST_TRIES = 4,
};

/* Decodes one segment to *end, moving it on. */
static bool decode_segment(struct slice segment, char **end)
{
    for (size_t i = 0; i < segment.length; ++i) {
        char c = segment.data[i];
        if (c == '%') {
            int escaped = ascii_escaped(slice_skip(segment, i));
            if (escaped < 0)
                return false;
            c = (char)escaped;
            i += 2;
        }
        if (c == '/' || c == '\0')
            return false;
        *(*end)++ = c;
    }
    return true;
}

static bool is_hidden(const char *start, const char *end, bool is_first)
{
    struct slice segment = slice_of(start, (size_t)(end - start));
    return segment.length != 0 && segment.data[0] == '.' && !(is_first && slice_equals(segment, SLICE(".well-known")));
}

bool file_tree_name(struct slice path, struct arena *arena, struct slice *name, bool *is_folder)
{
    char *start = arena_alloc(arena, path.length + 1), *end = start;
    *is_folder = slice_ends_with(path, SLICE("/"));
    while (path.length != 0) {
        size_t length = slice_find(path, '/');
        char *segment = end;
        if (!decode_segment(slice_of(path.data, length), &end) || is_hidden(segment, end, segment == start))
            return false;
        path = slice_skip(path, length == path.length ? length : length + 1);
        if (end != segment)
            *end++ = '/';
    }
    if (end != start)
        --end;
    *end = '\0';
    *name = slice_of(start, (size_t)(end - start));
    return true;
}

int file_tree_open(const char *root)
{
    return open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_beneath(int root, const char *name)
{
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    errno = EAGAIN;
    /* EAGAIN: something was moved while a link with ".." in it was followed */
    for (int i = 0; i < MOST_TRIES && fd == -1 && errno == EAGAIN; ++i)
        fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
    return fd;
}

/* Opens what stands in a folder under that name, itself no link. */
static int open_segment(int folder, struct slice name, int flags)
{
    char segment[NAME_MAX + 1];
    if (name.length >= sizeof(segment) || slice_equals(name, SLICE(".."))) {
        errno = name.length >= sizeof(segment) ? ENAMETOOLONG : EXDEV;
        return -1;
    }
    memcpy(segment, name.data, name.length);
    segment[name.length] = '\0';
    return openat(folder, segment, flags | O_NOFOLLOW);
}

/* For systems without openat2: segment by segment, following no links at all. */
static int walk(int root, const char *name)
{
    struct slice rest = slice_from_text(name);
    int folder = root;
    for (;;) {
        size_t end = slice_find(rest, '/');
        bool is_last = end == rest.length;
        int next = open_segment(folder, slice_of(rest.data, end), is_last ? FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC);
        int number = errno;
        if (folder != root)
            close(folder);
        errno = number;
        if (is_last || next == -1)
            return next;
        folder = next;
        rest = slice_skip(rest, end + 1);
    }
}

int file_tree_find(int root, const char *name, struct stat *status)
{
    const char *relative = name[0] == '\0' ? "." : name;
    int fd = open_beneath(root, relative);
    if (fd == -1 && (errno == ENOSYS || errno == EPERM))
        fd = walk(root, relative);
    if (fd == -1)
        return -1;
    int number = fstat(fd, status) != 0 ? errno : S_ISREG(status->st_mode) || S_ISDIR(status->st_mode) ? 0 : ENOENT;
    if (number == 0)
        return fd;
    close(fd);
    errno = number;
    return -1;
}
