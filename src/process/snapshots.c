#include "process/snapshots.h"

#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char folder_prefix[] = "flexilib-";
static const size_t suffix_bytes = sizeof(".XXXXXX") - 1;
static const char folder_variable[] = "FLEXILIB_RUNTIME_DIR";

/* Others may pass through root's folder, but not list it: a worker that runs as another user has to reach its own
 * snapshot. */
static mode_t folder_mode(void)
{
    return geteuid() == 0 ? 0711 : 0700;
}

static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return -1;
}

/* "flexilib-PID.XXXXXX" */
static bool is_name(const char *name)
{
    struct slice rest = slice_from_text(name);
    if (!slice_starts_with(rest, SLICE("flexilib-")))
        return false;
    rest = slice_skip(rest, sizeof(folder_prefix) - 1);
    uint64_t pid;
    size_t dot = slice_find(rest, '.');
    return dot + suffix_bytes == rest.length && slice_parse_number(slice_of(rest.data, dot), &pid) && pid <= INT32_MAX;
}

/* The lock alone says whether its owner lives: in a container the next supervisor mostly has the number of the one that
 * was killed, and in another container some other process has. */
static void sweep_folder(const char *place, const char *name)
{
    if (!is_name(name))
        return;
    struct text path = TEXT_INIT;
    struct stat status;
    text_print(&path, "%s/%s", place, name);
    int lock = lstat(path.data, &status) == 0 && status.st_uid == geteuid() ? lock_folder(path.data) : -1;
    if (lock != -1) {
        file_remove_tree(path.data);
        close(lock);
    }
    text_finish(&path);
}

void snapshots_sweep(const char *place)
{
    DIR *folder = opendir(place);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        sweep_folder(place, entry->d_name);
    closedir(folder);
}

/* It gets the name that others sweep when it is locked. NULL with errno set. */
static char *make_folder(const char *place, int *lock_fd)
{
    struct text fresh = TEXT_INIT, path = TEXT_INIT;
    text_print(&fresh, "%s/%snew.XXXXXX", place, folder_prefix);
    bool is_made = mkdtemp(fresh.data) != NULL;
    if (is_made && chmod(fresh.data, folder_mode()) == 0)
        *lock_fd = lock_folder(fresh.data);
    text_print(&path, "%s/%s%d%s", place, folder_prefix, (int)getpid(), fresh.data + fresh.length - suffix_bytes);
    bool is_named = *lock_fd != -1 && rename(fresh.data, path.data) == 0;
    int saved = errno;
    if (is_made && !is_named) {
        rmdir(fresh.data);
        close(*lock_fd);
        *lock_fd = -1;
    }
    text_finish(&fresh);
    if (!is_named)
        text_finish(&path);
    errno = saved;
    return path.data;
}

bool snapshots_open_in(struct snapshots *snapshots, const char *place)
{
    struct statvfs status;
    *snapshots = (struct snapshots){.lock_fd = -1};
    if (statvfs(place, &status) == -1)
        return false;
    errno = EPERM;
    if ((status.f_flag & ST_NOEXEC) != 0)
        return false;
    snapshots->folder = make_folder(place, &snapshots->lock_fd);
    return snapshots->folder != NULL;
}

struct search {
    struct snapshots *snapshots;
    struct text reasons;
    bool is_found;
};

static const char *describe_refusal(int number)
{
    return number == EPERM ? "nothing may be executed there (noexec)" : strerror(number);
}

static void try_place(struct search *search, const char *above, const char *name)
{
    if (search->is_found || above == NULL || above[0] == '\0')
        return;
    struct text place = TEXT_INIT;
    text_print(&place, "%s%s%s", above, name[0] == '\0' ? "" : "/", name);
    if (name[0] != '\0')
        mkdir(place.data, folder_mode());
    snapshots_sweep(place.data);
    search->is_found = snapshots_open_in(search->snapshots, place.data);
    if (!search->is_found)
        text_print(&search->reasons, "%s%s: %s", search->reasons.length == 0 ? "" : "; ", place.data,
                   describe_refusal(errno));
    text_finish(&place);
}

static void try_usual_places(struct search *search)
{
    /* Root's is taken away when root logs out, and no other user gets into it. */
    if (geteuid() != 0)
        try_place(search, getenv("XDG_RUNTIME_DIR"), "flexilib");
    try_place(search, "/run", "flexilib");
    try_place(search, "/var/tmp", "");
    try_place(search, "/tmp", "");
}

bool snapshots_open(struct snapshots *snapshots, struct error *error)
{
    struct search search = {.snapshots = snapshots};
    const char *wanted = getenv(folder_variable);
    if (wanted != NULL && wanted[0] != '\0')
        try_place(&search, wanted, "");
    else
        try_usual_places(&search);
    if (!search.is_found)
        error_set(error, "no folder for snapshots: %s (%s can name another)", search.reasons.data, folder_variable);
    text_finish(&search.reasons);
    return search.is_found;
}

void snapshots_close(struct snapshots *snapshots)
{
    if (snapshots->folder == NULL)
        return;
    file_remove_tree(snapshots->folder);
    close(snapshots->lock_fd);
    free(snapshots->folder);
    *snapshots = (struct snapshots){.lock_fd = -1};
}

/* Somebody has tidied up. Under the old name a folder is only made where nobody else has made one. */
static bool remake_folder(struct snapshots *snapshots)
{
    if (mkdir(snapshots->folder, 0700) == -1 || chmod(snapshots->folder, folder_mode()) == -1)
        return false;
    int lock_fd = lock_folder(snapshots->folder);
    if (lock_fd == -1)
        return false;
    close(snapshots->lock_fd);
    snapshots->lock_fd = lock_fd;
    return true;
}

char *snapshots_create(struct snapshots *snapshots, unsigned number)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/%u", snapshots->folder, number);
    if (mkdir(path.data, 0700) == 0 || (errno == ENOENT && remake_folder(snapshots) && mkdir(path.data, 0700) == 0))
        return path.data;
    int saved = errno;
    text_finish(&path);
    errno = saved;
    return NULL;
}
