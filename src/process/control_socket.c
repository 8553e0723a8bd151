#include "process/control_socket.h"

#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 16,
    PLACES = 4,
};

static const char path_variable[] = "FLEXILIB_CONTROL";
static const char name_prefix[] = "control-";
static const char lock_suffix[] = ".lock";

/* Where the socket may be, best first. */
struct places {
    char *paths[PLACES];
    unsigned count;
    bool are_folders_ours; /* rather than named by the operator, who answers for it */
};

static const char *find_variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

bool control_socket_is_named(void)
{
    return find_variable(path_variable) != NULL;
}

static void add_place(struct places *places, const char *folder, const char *name, uint64_t hash)
{
    struct text path = TEXT_INIT;
    if (folder == NULL)
        return;
    text_print(&path, "%s%s/%s%016" PRIx64, folder, name, name_prefix, hash);
    places->paths[places->count++] = path.data;
}

static struct places find_places(const char *config)
{
    struct places places = {.are_folders_ours = true};
    const char *named = find_variable(path_variable);
    if (named != NULL) {
        places.paths[places.count++] = mem_copy_text(named, strlen(named));
        places.are_folders_ours = false;
        return places;
    }
    char *file = file_absolute(NULL, config);
    uint64_t hash = slice_hash(slice_from_text(file));
    struct text last = TEXT_INIT;
    text_print(&last, "/tmp/flexilib-%u", (unsigned)geteuid());
    add_place(&places, find_variable("FLEXILIB_RUNTIME_DIR"), "", hash);
    if (geteuid() != 0)
        add_place(&places, find_variable("XDG_RUNTIME_DIR"), "/flexilib", hash);
    add_place(&places, "/run", "/flexilib", hash);
    add_place(&places, last.data, "", hash);
    text_finish(&last);
    free(file);
    return places;
}

static void free_places(struct places *places)
{
    for (unsigned i = 0; i < places->count; ++i)
        free(places->paths[i]);
}

/* In a folder that others may write to, one of them could put a socket of his in our place. */
static bool is_folder_safe(const char *path, bool is_made)
{
    struct stat status;
    char *folder = file_folder(path);
    if (is_made)
        mkdir(folder, geteuid() == 0 ? 0711 : 0700);
    bool is_safe = lstat(folder, &status) == 0;
    if (is_safe) {
        errno = EPERM;
        is_safe = S_ISDIR(status.st_mode) && (status.st_mode & 022) == 0 &&
                  (status.st_uid == geteuid() || (geteuid() == 0 && strcmp(folder, "/run/flexilib") == 0));
    }
    int saved = errno;
    free(folder);
    errno = saved;
    return is_safe;
}

static bool set_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof(address->sun_path))
        return false;
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

static char *lock_path(const char *path)
{
    struct text lock = TEXT_INIT;
    text_print(&lock, "%s%s", path, lock_suffix);
    return lock.data;
}

/* The file may be removed by its last owner between our opening and locking it. */
static int lock_file(const char *path, int flags)
{
    for (int attempt = 0; attempt < 10; ++attempt) {
        struct stat opened, there;
        int fd = open(path, O_RDWR | flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd == -1)
            return -1;
        bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (is_locked && fstat(fd, &opened) == 0 && stat(path, &there) == 0 && opened.st_ino == there.st_ino &&
            opened.st_dev == there.st_dev)
            return fd;
        file_close_quietly(fd);
        if (!is_locked)
            return -1;
    }
    errno = EAGAIN;
    return -1;
}

static void remove_socket(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path);
}

static void sweep_socket(const char *folder, struct slice name)
{
    struct text path = TEXT_INIT;
    if (!slice_starts_with(name, slice_from_text(name_prefix)) || !slice_ends_with(name, slice_from_text(lock_suffix)))
        return;
    text_print(&path, "%s/%.*s", folder, SLICE_ARG(name));
    int fd = lock_file(path.data, 0);
    if (fd != -1) {
        path.data[path.length - strlen(lock_suffix)] = '\0';
        remove_socket(path.data);
        path.data[path.length - strlen(lock_suffix)] = lock_suffix[0];
        unlink(path.data);
        close(fd);
    }
    text_finish(&path);
}

/* What supervisors that were killed have left there. */
static void sweep_sockets(const char *path)
{
    char *folder = file_folder(path);
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        sweep_socket(folder, slice_from_text(entry->d_name));
    if (entries != NULL)
        closedir(entries);
    free(folder);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address;
    if (!set_address(&address, path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    /* We hold the lock: whoever made it is dead. What is no socket is somebody's file. */
    remove_socket(path);
    mode_t mask = umask(0177);
    bool is_listening = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, BACKLOG) == 0;
    int saved = errno;
    umask(mask);
    if (is_listening)
        return fd;
    close(fd);
    errno = saved;
    return -1;
}

static bool open_at(struct control_socket *control, const char *path)
{
    struct stat status;
    char *lock = lock_path(path);
    control->lock_fd = lock_file(lock, O_CREAT);
    if (control->lock_fd != -1) {
        control->fd = listen_at(path);
        int saved = errno;
        if (control->fd == -1) {
            unlink(lock);
            close(control->lock_fd);
            control->lock_fd = -1;
        }
        errno = saved;
    }
    int saved = errno;
    free(lock);
    errno = saved;
    if (control->fd == -1)
        return false;
    control->path = mem_copy_text(path, strlen(path));
    if (lstat(path, &status) == 0) {
        control->device = status.st_dev;
        control->inode = status.st_ino;
    }
    return true;
}

enum control_opening control_socket_open(struct control_socket *control, const char *config, struct error *error)
{
    struct places places = find_places(config);
    struct text reasons = TEXT_INIT;
    enum control_opening result = CONTROL_IMPOSSIBLE;
    *control = CONTROL_SOCKET_NONE;
    for (unsigned i = 0; i < places.count && result == CONTROL_IMPOSSIBLE; ++i) {
        bool is_safe = !places.are_folders_ours || is_folder_safe(places.paths[i], true);
        if (is_safe && places.are_folders_ours)
            sweep_sockets(places.paths[i]);
        if (is_safe && open_at(control, places.paths[i])) {
            result = CONTROL_OPENED;
        } else if (errno == EWOULDBLOCK) {
            result = CONTROL_TAKEN;
            error_set(error, "another FlexiLib has the control socket %s", places.paths[i]);
        } else {
            text_print(&reasons, "%s%s: %s", reasons.length == 0 ? "" : "; ", places.paths[i], strerror(errno));
        }
    }
    if (result == CONTROL_IMPOSSIBLE)
        error_set(error, "%.*s", SLICE_ARG(text_slice(&reasons)));
    text_finish(&reasons);
    free_places(&places);
    return result;
}

void control_socket_close(struct control_socket *control)
{
    struct stat status;
    if (control->fd == -1)
        return;
    char *lock = lock_path(control->path);
    if (lstat(control->path, &status) == 0 && status.st_dev == control->device && status.st_ino == control->inode)
        unlink(control->path);
    unlink(lock);
    close(control->fd);
    close(control->lock_fd);
    free(lock);
    free(control->path);
    *control = CONTROL_SOCKET_NONE;
}

/* The user at the other end: of a listening socket, who made it. */
static bool find_peer(int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1)
        return false;
    *uid = peer.uid;
    return true;
}

int control_socket_accept(const struct control_socket *control)
{
    uid_t uid;
    int fd;
    while ((fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
        if (find_peer(fd, &uid) && (uid == geteuid() || uid == 0))
            return fd;
        close(fd);
    }
    return -1;
}

static int connect_to(const char *path, int timeout_s)
{
    struct sockaddr_un address;
    struct timeval timeout = {.tv_sec = timeout_s};
    uid_t uid;
    if (!set_address(&address, path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        errno = EPERM;
        if (find_peer(fd, &uid) && (uid == geteuid() || uid == 0 || geteuid() == 0))
            return fd;
    }
    file_close_quietly(fd);
    return -1;
}

static bool is_nobody_there(int number)
{
    return number == ENOENT || number == ECONNREFUSED;
}

int control_socket_connect(const char *config, int timeout_s, struct error *error)
{
    struct places places = find_places(config == NULL ? "" : config);
    const char *path = places.paths[0];
    int fd = -1;
    int reason = ENOENT;
    for (unsigned i = 0; i < places.count && fd == -1; ++i) {
        if (!places.are_folders_ours || is_folder_safe(places.paths[i], false))
            fd = connect_to(places.paths[i], timeout_s);
        if (fd != -1 || is_nobody_there(errno))
            continue;
        reason = errno;
        path = places.paths[i];
    }
    if (fd == -1 && !is_nobody_there(reason))
        error_set(error, "cannot reach FlexiLib by %s: %s", path, strerror(reason));
    else if (fd == -1 && places.are_folders_ours)
        error_set(error, "no FlexiLib of this user serves '%s'", config);
    else if (fd == -1)
        error_set(error, "no FlexiLib has the control socket %s (%s names it)", path, path_variable);
    free_places(&places);
    return fd;
}
