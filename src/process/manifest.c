#include "process/manifest.h"

#include "base/alloc.h"
#include "base/text.h"
#include "process/control_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A worker may have put anything in its place: a link to what it cannot read itself, a pipe, a file without end. */
static int open_file(const char *snapshot, size_t *size)
{
    struct text path = TEXT_INIT;
    struct stat status;
    text_print(&path, "%s/%s", snapshot, MANIFEST_NAME);
    int fd = open(path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    text_finish(&path);
    if (fd == -1)
        return -1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_size > 0 &&
        status.st_size <= MANIFEST_BYTES) {
        *size = (size_t)status.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

/* Not by mapping the file: whoever shortens it would end us. */
static bool read_file(struct manifest *manifest, int fd)
{
    manifest->data = mmap(NULL, manifest->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (manifest->data == MAP_FAILED) {
        manifest->data = NULL;
        return false;
    }
    ssize_t length = 1;
    while (manifest->length < manifest->size && length != 0) {
        length = read(fd, manifest->data + manifest->length, manifest->size - manifest->length);
        if (length == -1 && errno != EINTR)
            return false;
        manifest->length += length == -1 ? 0 : (size_t)length;
    }
    return true;
}

static size_t count_lines(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; ++i)
        count += text.data[i] == '\n';
    return count;
}

static bool read_line(struct manifest *manifest, struct slice text)
{
    struct control_line line;
    if (!control_line_parse(text, &line))
        return false;
    if (slice_equals(line.fields[0], SLICE("cut"))) {
        manifest->is_cut = true;
        return true;
    }
    manifest->lines[manifest->count++] = (struct manifest_line){
        .kind = line.fields[0],
        .name = control_line_field(&line, 1),
        .digest = control_line_field(&line, 2),
        .third = control_line_field(&line, 3),
        .fourth = control_line_field(&line, 4),
    };
    return line.count >= 3;
}

static bool read_lines(struct manifest *manifest)
{
    struct slice rest = slice_of(manifest->data, manifest->length);
    struct slice first = SLICE(MANIFEST_FIRST_LINE);
    if (!slice_starts_with(rest, first))
        return false;
    rest = slice_skip(rest, first.length);
    manifest->lines = mem_alloc((count_lines(rest) + 1) * sizeof(*manifest->lines));
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\n');
        if (end == rest.length || !read_line(manifest, slice_of(rest.data, end)))
            return false;
        rest = slice_skip(rest, end + 1);
    }
    return true;
}

bool manifest_open(struct manifest *manifest, const char *snapshot)
{
    *manifest = (struct manifest){0};
    int fd = open_file(snapshot, &manifest->size);
    if (fd == -1)
        return false;
    bool is_read = read_file(manifest, fd);
    close(fd);
    if (is_read && read_lines(manifest))
        return true;
    manifest_close(manifest);
    return false;
}

void manifest_close(struct manifest *manifest)
{
    if (manifest->data != NULL)
        munmap(manifest->data, manifest->size);
    free(manifest->lines);
    *manifest = (struct manifest){0};
}

bool manifest_is_file(const struct manifest_line *line)
{
    return slice_equals(line->kind, SLICE("library")) || slice_equals(line->kind, SLICE("file"));
}

struct slice manifest_find_digest(const struct manifest *manifest, struct slice path)
{
    for (size_t i = 0; i < manifest->count; ++i) {
        if (slice_equals(manifest->lines[i].name, path) && manifest_is_file(&manifest->lines[i]))
            return manifest->lines[i].digest;
    }
    return SLICE_NONE;
}

bool manifest_has_content(const char *snapshot, struct slice path, struct slice digest)
{
    struct manifest manifest;
    if (!manifest_open(&manifest, snapshot))
        return false;
    bool has_content = slice_equals(manifest_find_digest(&manifest, path), digest);
    manifest_close(&manifest);
    return has_content;
}

struct slice manifest_short_digest(struct slice digest)
{
    return slice_of(digest.data, digest.length < MANIFEST_SHOWN_DIGEST ? digest.length : MANIFEST_SHOWN_DIGEST);
}
