#include "process/kept_set.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree_copy.h"
#include "process/control_message.h"
#include "process/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char link_name[] = "last-good";

enum {
    ABOUT_BYTES = 4096,
};

static char *join(const char *folder, const char *name)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/%s", folder, name);
    return path.data;
}

static int lock(const char *folder, struct error *error)
{
    char *path = join(folder, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    error_set(error, "%s", errno == EWOULDBLOCK ? "another FlexiLib keeps one there right now" : strerror(errno));
    if (fd != -1)
        close(fd);
    return -1;
}

/* Manifests name the content of all files, so whoever has the same manifest is the same. */
static bool is_same(const char *folder, const char *snapshot)
{
    struct text old = TEXT_INIT, new = TEXT_INIT;
    char *kept = join(folder, "last-good/snapshot/" MANIFEST_NAME);
    char *fresh = join(snapshot, MANIFEST_NAME);
    bool is_same = file_read(kept, MANIFEST_BYTES, &old) && file_read(fresh, MANIFEST_BYTES, &new) &&
                   slice_equals(text_slice(&old), text_slice(&new));
    text_finish(&old);
    text_finish(&new);
    free(kept);
    free(fresh);
    return is_same;
}

static void add_number(struct text *out, uint64_t number)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    control_add_field(out, slice_from_text(digits));
}

static bool write_about(const char *set, const struct held_snapshot *snapshot)
{
    struct text about = TEXT_INIT;
    control_add_field(&about, SLICE(FLEXILIB_VERSION));
    add_number(&about, clock_unix_ms());
    add_number(&about, snapshot->number);
    add_number(&about, snapshot->uid);
    add_number(&about, snapshot->gid);
    control_add_field(&about, slice_from_text(snapshot->user == NULL ? "" : snapshot->user));
    control_end_line(&about);
    char *path = join(set, "about");
    bool is_written = file_write(path, text_slice(&about), 0600);
    free(path);
    text_finish(&about);
    return is_written;
}

static bool fill_set(const char *set, const struct held_snapshot *snapshot, struct error *error)
{
    char *copy = join(set, "snapshot");
    bool is_filled = (mkdir(copy, 0700) == 0 || error_set(error, "cannot make %s: %s", copy, strerror(errno))) &&
                     tree_copy(snapshot->folder, copy, error) &&
                     (write_about(set, snapshot) || error_set(error, "cannot write: %s", strerror(errno)));
    free(copy);
    return is_filled;
}

/* In one step, through to the disk. */
static bool point_to(const char *folder, const char *set, struct error *error)
{
    char *fresh = join(folder, "last-good.new"), *link = join(folder, link_name);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unlink(fresh);
    bool is_there = fd != -1 && symlink(strrchr(set, '/') + 1, fresh) == 0 && fsync(fd) == 0 &&
                    rename(fresh, link) == 0 && fsync(fd) == 0;
    if (!is_there)
        error_set(error, "cannot put it in place: %s", strerror(errno));
    if (fd != -1)
        close(fd);
    free(fresh);
    free(link);
    return is_there;
}

/* Sets that are not, or no longer, whole. */
static void sweep(const char *folder, const char *set)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (!slice_starts_with(slice_from_text(entry->d_name), SLICE("set.")))
            continue;
        char *path = join(folder, entry->d_name);
        if (strcmp(path, set) != 0)
            file_remove_tree(path);
        free(path);
    }
    if (entries != NULL)
        closedir(entries);
}

bool kept_set_write(const char *folder, const struct held_snapshot *snapshot, bool *is_written, struct error *error)
{
    *is_written = false;
    int lock_fd = lock(folder, error);
    if (lock_fd == -1)
        return false;
    bool is_kept = is_same(folder, snapshot->folder);
    if (!is_kept) {
        char *set = join(folder, "set.XXXXXX");
        if (mkdtemp(set) == NULL)
            error_set(error, "cannot make a folder in %s: %s", folder, strerror(errno));
        else
            is_kept = *is_written = fill_set(set, snapshot, error) && point_to(folder, set, error);
        if (is_kept)
            sweep(folder, set);
        else
            file_remove_tree(set);
        free(set);
    }
    close(lock_fd);
    return is_kept;
}

static bool take_number(const struct control_line *line, size_t index, uint64_t most, uint64_t *number)
{
    return slice_parse_number(control_line_field(line, index), number) && *number <= most;
}

static bool parse_about(struct slice text, struct held_snapshot *snapshot, struct kept_set *about)
{
    struct control_line line;
    uint64_t generation, uid, gid;
    text.length = slice_find(text, '\n');
    if (!control_line_parse(text, &line) || !take_number(&line, 1, UINT64_MAX, &about->kept_ms) ||
        !take_number(&line, 2, UINT32_MAX, &generation) || !take_number(&line, 3, UINT32_MAX, &uid) ||
        !take_number(&line, 4, UINT32_MAX, &gid))
        return false;
    struct slice user = control_line_field(&line, 5);
    about->generation = (unsigned)generation;
    snapshot->user = user.length == 0 || geteuid() != 0 ? NULL : mem_copy_text(user.data, user.length);
    snapshot->uid = (uint32_t)uid;
    snapshot->gid = (uint32_t)gid;
    return true;
}

bool kept_set_read(const char *folder, struct held_snapshot *snapshot, struct kept_set *about, struct error *error)
{
    struct text text = TEXT_INIT;
    char *link = join(folder, link_name);
    char *set = realpath(link, NULL); /* one set, whatever happens to the link meanwhile */
    bool is_read = false;
    if (set == NULL) {
        error_set(error, "nothing is kept in %s", folder);
    } else {
        char *path = join(set, "about"), *copy = join(set, "snapshot");
        is_read = ((file_read(path, ABOUT_BYTES, &text) && parse_about(text_slice(&text), snapshot, about)) ||
                   error_set(error, "%s cannot be read", path)) &&
                  tree_copy(copy, snapshot->folder, error);
        free(path);
        free(copy);
    }
    snapshot->is_recorded = is_read;
    text_finish(&text);
    free(set);
    free(link);
    return is_read;
}
