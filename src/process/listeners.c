#include "process/listeners.h"

#include "base/alloc.h"
#include "base/file.h"
#include "process/console.h"
#include "process/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    FIRST_ACTIVATED_FD = 3,
    MOST_ACTIVATED = 1024,
};

static const char starter_variable[] = "SERVER_STARTER_PORT";
static const char activation_variable[] = "LISTEN_FDS";

static struct listener *add_listener(struct listeners *listeners, struct text *key, int fd,
                                     const struct address *address)
{
    struct listener *listener = mem_zalloc(sizeof(*listener));
    listener->key = key->data;
    *key = TEXT_INIT;
    listener->fd = fd;
    listener->options = LISTEN_OPTIONS_NONE;
    listener->address = *address;
    listener->next = listeners->first;
    listeners->first = listener;
    return listener;
}

static bool is_listening_stream(int fd)
{
    int type = 0, is_listening = 0;
    socklen_t length = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == -1 || type != SOCK_STREAM)
        return false;
    length = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) == 0 && is_listening != 0;
}

static void set_option(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof(on));
}

/* Accepted connections inherit TCP_NODELAY from the listening socket: one system call less for each. */
static void prepare_socket(int fd, const struct address *address)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (!address_is_unix(address))
        set_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

static void inherit_socket(struct listeners *listeners, struct slice name, int fd, bool is_activated)
{
    struct address address;
    struct text key = TEXT_INIT;
    if (fd == -1 || !is_listening_stream(fd) || !address_of_socket(fd, &address)) {
        console_log(LOG_LEVEL_WARNING, "%s: '%.*s' is no listening socket that could be used",
                    is_activated ? activation_variable : starter_variable, SLICE_ARG(name));
        return;
    }
    prepare_socket(fd, &address);
    address_print(&address, &key);
    struct listener *listener = add_listener(listeners, &key, fd, &address);
    listener->is_inherited = true;
    listener->is_activated = is_activated;
}

bool listeners_inherit(struct listeners *listeners)
{
    const char *value = getenv(starter_variable);
    if (value == NULL)
        return false;
    struct slice rest = slice_from_text(value);
    while (rest.length != 0) {
        struct slice name;
        int fd = inherited_next(&rest, &name);
        inherit_socket(listeners, name, fd, false);
    }
    /* The workers do not get these descriptors, and must not believe that they do. */
    unsetenv(starter_variable);
    return true;
}

static bool read_number(const char *variable, uint64_t *number)
{
    const char *value = getenv(variable);
    return value != NULL && slice_parse_number(slice_from_text(value), number);
}

void listeners_activate(struct listeners *listeners)
{
    const char *value = getenv("LISTEN_FDNAMES");
    struct slice names = slice_from_text(value);
    uint64_t pid, count;
    /* Meant for another process, if that is its pid. */
    if (!read_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !read_number(activation_variable, &count))
        count = 0;
    for (uint64_t i = 0; i < count && i < MOST_ACTIVATED; ++i) {
        struct slice name = slice_next_item(&names, ':');
        inherit_socket(listeners, name.length == 0 ? SLICE("unknown") : name, FIRST_ACTIVATED_FD + (int)i, true);
    }
    unsetenv("LISTEN_PID");
    unsetenv(activation_variable);
    unsetenv("LISTEN_FDNAMES");
}

/* A socket file that nobody listens on was left by a process that died. */
static bool remove_stale_file(const struct address *address)
{
    struct stat status;
    if (lstat(address_path(address), &status) == -1)
        return errno == ENOENT;
    errno = EADDRINUSE;
    if (!S_ISSOCK(status.st_mode))
        return false;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe == -1)
        return false;
    bool is_stale =
        connect(probe, (const struct sockaddr *)&address->storage, address->length) == -1 && errno == ECONNREFUSED;
    close(probe);
    if (is_stale)
        return unlink(address_path(address)) == 0;
    errno = EADDRINUSE;
    return false;
}

static int backlog_of(const struct listen_options *options)
{
    return options->backlog == 0 ? BACKLOG : options->backlog;
}

/* A bound socket refuses connections until it listens: nobody gets in before the file is as it shall be. */
static bool begin_listening(int fd, const struct address *address, const struct listen_options *options)
{
    if (bind(fd, (const struct sockaddr *)&address->storage, address->length) == -1)
        return false;
    bool is_unix = address_is_unix(address);
    if ((!is_unix || listen_options_settle_file(options, address_path(address))) &&
        listen(fd, backlog_of(options)) == 0)
        return true;
    int saved = errno;
    if (is_unix)
        unlink(address_path(address));
    errno = saved;
    return false;
}

static int open_socket(const struct address *address, const struct listen_options *options)
{
    if (address_is_unix(address) && !remove_stale_file(address))
        return -1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    if (!address_is_unix(address))
        set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (address->storage.ss_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    prepare_socket(fd, address);
    if (begin_listening(fd, address, options))
        return fd;
    file_close_quietly(fd);
    return -1;
}

bool listeners_restore(struct listeners *listeners, const struct listener *listener)
{
    if (!is_listening_stream(listener->fd))
        return false;
    struct listener *copy = mem_alloc(sizeof(*copy));
    *copy = *listener;
    copy->users = 0;
    copy->next = listeners->first;
    listeners->first = copy;
    return true;
}

static void remember_file(struct listener *listener)
{
    struct stat status;
    if (!address_is_unix(&listener->address) || lstat(address_path(&listener->address), &status) == -1)
        return;
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    listener->made = status.st_mtim;
}

static struct listener *open_listener(struct listeners *listeners, const struct address *wanted, struct text *key,
                                      const struct listen_options *options)
{
    int fd = open_socket(wanted, options);
    if (fd == -1)
        return NULL;
    struct address bound = *wanted;
    if (!address_is_unix(wanted) && !address_of_socket(fd, &bound))
        bound = *wanted;
    struct listener *listener = add_listener(listeners, key, fd, &bound);
    listener->options = *options;
    remember_file(listener);
    return listener;
}

/* A socket whose file is gone, or another's, cannot be reached any more, though connections to it may live. */
static bool is_reachable(const struct listener *listener)
{
    struct stat status;
    if (listener->is_inherited || !address_is_unix(&listener->address))
        return true;
    return lstat(address_path(&listener->address), &status) == 0 && status.st_dev == listener->device &&
           status.st_ino == listener->inode;
}

static bool is_alike(const struct listen_options *a, const struct listen_options *b)
{
    return a->backlog == b->backlog && a->mode == b->mode && a->owner == b->owner && a->group == b->group;
}

/* Tells before anything is changed what only root may do. */
static bool may_settle(const struct listener *listener, const struct listen_options *options)
{
    struct listen_options change = listen_options_change(&listener->options, options);
    bool is_ours = change.owner == -1 || change.owner == geteuid();
    bool is_our_group = change.group == -1 || change.group == getegid() || group_member((gid_t)change.group);
    errno = EPERM;
    return geteuid() == 0 || (is_ours && is_our_group);
}

static struct listener *find_listener(const struct listeners *listeners, const char *key)
{
    struct listener *found = listeners->first;
    while (found != NULL && (strcmp(found->key, key) != 0 || !is_reachable(found)))
        found = found->next;
    return found;
}

struct listener *listeners_take(struct listeners *listeners, struct slice address, int64_t index,
                                const struct listen_options *options)
{
    struct address wanted;
    if (!address_parse(address, &wanted)) {
        errno = EINVAL;
        return NULL;
    }
    struct text key = TEXT_INIT;
    address_print(&wanted, &key);
    if (!address_is_unix(&wanted) && address_port(&wanted) == 0)
        text_print(&key, " #%" PRId64, index);
    struct listener *found = find_listener(listeners, key.data);
    if (found == NULL)
        found = open_listener(listeners, &wanted, &key, options);
    else if (!may_settle(found, options))
        found = NULL;
    int saved = errno;
    text_finish(&key);
    errno = saved;
    if (found != NULL)
        ++found->users;
    return found;
}

bool listeners_settle(struct listener *listener, const struct listen_options *options)
{
    if (is_alike(&listener->options, options))
        return true;
    struct listen_options change = listen_options_change(&listener->options, options);
    listener->options = *options;
    if (listen(listener->fd, backlog_of(options)) != 0)
        return false;
    errno = ENOENT;
    return !address_is_unix(&listener->address) ||
           (is_reachable(listener) && listen_options_settle_file(&change, address_path(&listener->address)));
}

/* The file may be another process's by now. */
static void remove_file(const struct listener *listener)
{
    struct stat status;
    if (listener->is_inherited || !address_is_unix(&listener->address) ||
        lstat(address_path(&listener->address), &status) == -1)
        return;
    if (status.st_dev == listener->device && status.st_ino == listener->inode &&
        status.st_mtim.tv_sec == listener->made.tv_sec && status.st_mtim.tv_nsec == listener->made.tv_nsec)
        unlink(address_path(&listener->address));
}

static void shut_listener(struct listener *listener)
{
    if (listener->fd == -1)
        return;
    remove_file(listener);
    close(listener->fd);
    listener->fd = -1;
}

static void close_listener(struct listener *listener)
{
    shut_listener(listener);
    free(listener->key);
    free(listener);
}

void listeners_release(struct listeners *listeners, struct listener *listener)
{
    if (--listener->users != 0 || listener->is_inherited)
        return;
    struct listener **link = &listeners->first;
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
    close_listener(listener);
}

void listeners_warn_unused(const struct listeners *listeners)
{
    for (const struct listener *listener = listeners->first; listener != NULL; listener = listener->next) {
        if (!listener->is_inherited || listener->users != 0)
            continue;
        struct text name = TEXT_INIT;
        address_print_nicely(&listener->address, &name);
        console_log(LOG_LEVEL_WARNING, "%s: nothing in the configuration listens on %s",
                    listener->is_activated ? activation_variable : starter_variable, name.data);
        text_finish(&name);
    }
}

void listeners_shut(struct listeners *listeners)
{
    for (struct listener *listener = listeners->first; listener != NULL; listener = listener->next)
        shut_listener(listener);
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->first != NULL) {
        struct listener *listener = listeners->first;
        listeners->first = listener->next;
        close_listener(listener);
    }
}
