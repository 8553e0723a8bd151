#include "process/wanted.h"

#include "base/alloc.h"
#include "base/file.h"
#include "process/console.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct wanted_file {
    struct wanted_file *next;
    char *path;
    unsigned generation; /* the last one that asked */
    int descriptor;      /* of the inotify watch on folder; -1 for none */
    char *folder;        /* that is watched: the file's own or the nearest above it */
    bool is_own_folder;
    /* The state of the file that has been reported, so that one which is there but does not satisfy the workers is
     * reported once. */
    uint64_t seen_inode;
    struct timespec seen_change;
};

enum {
    FOLDER_EVENTS = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

void wanted_init(struct wanted *wanted, struct poller *poller)
{
    *wanted = (struct wanted){.poller = poller, .fd = -1, .watch = POLLER_WATCH_NONE};
}

static void free_file(struct wanted_file *file)
{
    free(file->path);
    free(file->folder);
    free(file);
}

void wanted_finish(struct wanted *wanted)
{
    poller_forget(wanted->poller, &wanted->watch);
    if (wanted->fd != -1)
        close(wanted->fd);
    while (wanted->first != NULL) {
        struct wanted_file *file = wanted->first;
        wanted->first = file->next;
        free_file(file);
    }
    wanted_init(wanted, wanted->poller);
}

static void report(struct wanted *wanted, struct wanted_file *file, bool only_if_new)
{
    struct stat status;
    if (stat(file->path, &status) == -1 || !S_ISREG(status.st_mode))
        return;
    if (only_if_new && status.st_ino == file->seen_inode && status.st_ctim.tv_sec == file->seen_change.tv_sec &&
        status.st_ctim.tv_nsec == file->seen_change.tv_nsec)
        return;
    file->seen_inode = status.st_ino;
    file->seen_change = status.st_ctim;
    wanted->has_appeared = true;
}

/* Watches the file's folder, or the nearest above that exists. Something may have come to be between two looks, so it
 * goes on until a look changes nothing. */
static void watch_folder(struct wanted *wanted, struct wanted_file *file)
{
    char *folder = file_folder(file->path);
    file->is_own_folder = true;
    while ((file->descriptor = inotify_add_watch(wanted->fd, folder, FOLDER_EVENTS)) == -1 &&
           strcmp(folder, "/") != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        char *above = file_folder(folder);
        free(folder);
        folder = above;
        file->is_own_folder = false;
    }
    if (file->descriptor == -1)
        console_log(LOG_LEVEL_WARNING, "cannot wait for %s to appear: %s", file->path, strerror(errno));
    free(file->folder);
    file->folder = folder;
}

static void watch_file(struct wanted *wanted, struct wanted_file *file)
{
    watch_folder(wanted, file);
    while (!file->is_own_folder && file->descriptor != -1) {
        char *before = mem_copy_text(file->folder, strlen(file->folder));
        watch_folder(wanted, file);
        bool is_settled = strcmp(before, file->folder) == 0;
        free(before);
        if (is_settled)
            break;
    }
    report(wanted, file, true);
}

/* Creation alone tells of a file that is about to be written; a link is complete at once. */
static bool is_complete(const struct inotify_event *event, const char *path)
{
    struct stat status;
    if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0)
        return true;
    return lstat(path, &status) == 0 && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

static void handle_event(struct wanted *wanted, const struct inotify_event *event)
{
    for (struct wanted_file *file = wanted->first; file != NULL; file = file->next) {
        if (file->descriptor != event->wd)
            continue;
        const char *name = strrchr(file->path, '/') + 1;
        if (!file->is_own_folder || (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
            watch_file(wanted, file);
        else if (event->len != 0 && strcmp(event->name, name) == 0 && is_complete(event, file->path))
            report(wanted, file, false);
    }
}

static void on_events(void *data)
{
    struct wanted *wanted = data;
    union {
        struct inotify_event first;
        char bytes[4096];
    } buffer;
    ssize_t length = read(wanted->fd, buffer.bytes, sizeof(buffer.bytes));
    const struct inotify_event *event = &buffer.first;
    while (length >= (ssize_t)sizeof(*event)) {
        size_t size = sizeof(*event) + event->len;
        handle_event(wanted, event);
        event = (const struct inotify_event *)((const char *)event + size);
        length -= (ssize_t)size;
    }
}

static bool open_notifier(struct wanted *wanted)
{
    if (wanted->fd != -1)
        return true;
    wanted->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (wanted->fd != -1 && poller_watch(wanted->poller, &wanted->watch, wanted->fd, on_events, wanted))
        return true;
    console_log(LOG_LEVEL_WARNING, "cannot wait for missing files: %s", strerror(errno));
    if (wanted->fd != -1)
        close(wanted->fd);
    wanted->fd = -1;
    return false;
}

void wanted_add(struct wanted *wanted, struct slice path, unsigned generation)
{
    if (path.length < 2 || path.data[0] != '/' || !open_notifier(wanted))
        return;
    struct wanted_file *file = wanted->first;
    while (file != NULL && !slice_equals(slice_from_text(file->path), path))
        file = file->next;
    if (file == NULL) {
        file = mem_zalloc(sizeof(*file));
        file->path = mem_copy_text(path.data, path.length);
        file->next = wanted->first;
        wanted->first = file;
    }
    file->generation = generation;
    watch_file(wanted, file);
}

static void forget_file(struct wanted *wanted, struct wanted_file *file)
{
    bool is_shared = false;
    for (struct wanted_file *other = wanted->first; other != NULL; other = other->next)
        is_shared = is_shared || other->descriptor == file->descriptor;
    if (!is_shared && file->descriptor != -1)
        inotify_rm_watch(wanted->fd, file->descriptor);
    free_file(file);
}

void wanted_keep(struct wanted *wanted, unsigned generation)
{
    struct wanted_file **link = &wanted->first;
    while (*link != NULL) {
        struct wanted_file *file = *link;
        if (file->generation >= generation) {
            link = &file->next;
            continue;
        }
        *link = file->next;
        forget_file(wanted, file);
    }
}

bool wanted_take(struct wanted *wanted)
{
    bool has_appeared = wanted->has_appeared;
    wanted->has_appeared = false;
    return has_appeared;
}
