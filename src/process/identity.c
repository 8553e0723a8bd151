#include "process/identity.h"

#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool identity_find(const char *name, struct place place, struct identity *identity, struct error *error)
{
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL && errno != 0 && errno != ENOENT)
        return error_set_at(error, place, "cannot look up user '%s': %s", name, strerror(errno));
    if (entry == NULL)
        return error_set_at(error, place, "user '%s' does not exist here", name);
    *identity = (struct identity){.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
    return true;
}

static bool is_number(const char *name, int64_t *id)
{
    uint64_t number;
    if (!slice_parse_number(slice_from_text(name), &number) || number >= UINT32_MAX)
        return false;
    *id = (int64_t)number;
    return true;
}

bool identity_find_user(const char *name, struct place place, int64_t *id, struct error *error)
{
    struct identity identity;
    if (is_number(name, id))
        return true;
    if (!identity_find(name, place, &identity, error))
        return false;
    *id = identity.uid;
    return true;
}

bool identity_find_group(const char *name, struct place place, int64_t *id, struct error *error)
{
    if (is_number(name, id))
        return true;
    errno = 0;
    const struct group *entry = getgrnam(name);
    if (entry == NULL && errno != 0 && errno != ENOENT)
        return error_set_at(error, place, "cannot look up group '%s': %s", name, strerror(errno));
    if (entry == NULL)
        return error_set_at(error, place, "group '%s' does not exist here", name);
    *id = entry->gr_gid;
    return true;
}

bool identity_may_root_serve(void)
{
    const char *value = getenv(IDENTITY_ROOT_VARIABLE);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

bool identity_assume(const struct identity *identity, struct error *error)
{
    if (setgid(identity->gid) == -1 || initgroups(identity->name, identity->gid) == -1 || setuid(identity->uid) == -1)
        return error_set(error, "cannot become user '%s': %s", identity->name, strerror(errno));
    /* A process that changed its user loses its own /proc folder, which libraries read, and its core dumps. */
    prctl(PR_SET_DUMPABLE, 1);
    return true;
}

/* An owner may do everything, whatever the mode says by now. In a folder with the sticky bit others' entries stay. */
static bool may_change(const struct identity *identity, const char *path, bool is_entry_his)
{
    struct stat status;
    if (stat(path, &status) == -1)
        return false;
    bool is_sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0 && !is_entry_his;
    return status.st_uid == identity->uid || (!is_sticky && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0);
}

static bool is_his(const struct identity *identity, const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && status.st_uid == identity->uid;
}

char *identity_find_writable(const struct identity *identity, const char *path)
{
    char *place = mem_copy_text(path, strlen(path));
    bool is_entry_his = false;
    while (!may_change(identity, place, is_entry_his)) {
        if (strcmp(place, "/") == 0) {
            free(place);
            return NULL;
        }
        is_entry_his = is_his(identity, place);
        char *above = file_folder(place);
        free(place);
        place = above;
    }
    return place;
}

static bool give_entries(const struct identity *identity, DIR *folder);

static bool give_entry(const struct identity *identity, int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd != -1) {
        DIR *below = fdopendir(fd);
        bool was_given = below != NULL && give_entries(identity, below);
        if (below == NULL)
            close(fd);
        else
            closedir(below);
        if (!was_given)
            return false;
    }
    return fchownat(folder, name, identity->uid, identity->gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool give_entries(const struct identity *identity, DIR *folder)
{
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !give_entry(identity, dirfd(folder), entry->d_name))
            return false;
    }
    return true;
}

/* The folder itself comes last, so that its new owner finds everything his. */
bool identity_give_folder(const struct identity *identity, const char *folder)
{
    return give_entry(identity, AT_FDCWD, folder);
}
