#include "base/fork_guard.h"

#include "base/alloc.h"
#include "base/crash_handler.h"
#include "base/log.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

bool fork_guard_is_child;

/* Rule 0: what ran on the thread that forked. The slot is shared with the parent, which goes on. */
static struct slot_call call;

/* A name is compared as bytes, of a socket of the internet the port alone: it may listen at any address, and be asked
 * for at one. */
struct address {
    struct sockaddr_storage name;
    socklen_t length;
};

/* A socket, whatever the number of its descriptor: libh2o's loop has another one for it. */
struct identity {
    dev_t device;
    ino_t inode;
};

/* Rule 0: the handler is told nothing, and any thread may fork. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct address *addresses;
static size_t address_count;
static struct identity *identities;
static size_t identity_count, identity_capacity;
static bool *marks; /* by descriptor */
static size_t mark_count;

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
    if (!fork_guard_is_child)
        call = crash_handler_call();
}

static void in_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

static bool read_address(int fd, struct address *address)
{
    *address = (struct address){.length = sizeof(address->name)};
    return getsockname(fd, (struct sockaddr *)&address->name, &address->length) == 0;
}

static int find_port(const struct address *address)
{
    if (address->name.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&address->name)->sin_port;
    return address->name.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address->name)->sin6_port : -1;
}

static bool is_alike(const struct address *one, const struct address *other)
{
    int port = find_port(one);
    if (port != -1)
        return port == find_port(other);
    return one->length == other->length && memcmp(&one->name, &other->name, one->length) == 0;
}

static bool has_address_of_ours(int fd)
{
    struct address address;
    if (!read_address(fd, &address))
        return false;
    for (size_t i = 0; i < address_count; ++i) {
        if (is_alike(&address, &addresses[i]))
            return true;
    }
    return false;
}

static bool read_identity(int fd, struct identity *identity)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return false;
    *identity = (struct identity){status.st_dev, status.st_ino};
    return true;
}

/* Their count, if there is none. */
static size_t find_identity(struct identity identity)
{
    size_t place = 0;
    while (place < identity_count &&
           (identities[place].device != identity.device || identities[place].inode != identity.inode))
        ++place;
    return place;
}

static bool is_ours(int fd)
{
    struct identity identity;
    if ((size_t)fd < mark_count && marks[fd])
        return true;
    return (read_identity(fd, &identity) && find_identity(identity) < identity_count) || has_address_of_ours(fd);
}

/* The C library lets a child ask for memory. */
static void close_what_is_ours(void)
{
    DIR *folder = address_count + identity_count + mark_count == 0 ? NULL : opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && is_ours(fd))
            close(fd);
    }
    closedir(folder);
}

static void in_child(void)
{
    pthread_mutex_unlock(&mutex);
    if (fork_guard_is_child)
        return;
    fork_guard_is_child = true;
    close_what_is_ours();
}

void fork_guard_open(void)
{
    pthread_atfork(before_fork, in_parent, in_child);
}

void fork_guard_keep_back(int fd)
{
    struct address address;
    if (!read_address(fd, &address))
        return;
    pthread_mutex_lock(&mutex);
    addresses = mem_realloc(addresses, (address_count + 1) * sizeof(*addresses));
    addresses[address_count++] = address;
    pthread_mutex_unlock(&mutex);
}

void fork_guard_add(int fd)
{
    struct identity identity;
    if (!read_identity(fd, &identity))
        return;
    pthread_mutex_lock(&mutex);
    identities = mem_grow(identities, identity_count, &identity_capacity, sizeof(*identities));
    identities[identity_count++] = identity;
    pthread_mutex_unlock(&mutex);
}

void fork_guard_remove(int fd)
{
    struct identity identity;
    if (!read_identity(fd, &identity))
        return;
    pthread_mutex_lock(&mutex);
    size_t place = find_identity(identity);
    if (place < identity_count)
        identities[place] = identities[--identity_count];
    pthread_mutex_unlock(&mutex);
}

static void make_room_for_mark(size_t place)
{
    size_t count = place * 2 + 64;
    marks = mem_realloc(marks, count * sizeof(*marks));
    memset(marks + mark_count, 0, (count - mark_count) * sizeof(*marks));
    mark_count = count;
}

void fork_guard_mark(int fd, bool is_ours)
{
    size_t place = (size_t)fd;
    if (fd < 0)
        return;
    pthread_mutex_lock(&mutex);
    if (place >= mark_count)
        make_room_for_mark(place);
    marks[place] = is_ours;
    pthread_mutex_unlock(&mutex);
}

/* In a trial, which looks at one library, nobody keeps what runs. */
static void tell(void)
{
    slot_make_printable(&call);
    bool has_request = call.request.id[0] != '\0';
    if (call.hook == SLOT_HOOK_NONE)
        log_line(LOG_LEVEL_ERROR,
                 "a child that a library has forked came back, and is ended; a child has to end by itself");
    else
        log_line(LOG_LEVEL_ERROR,
                 "%s '%s': a child that it has forked came back from %s, and is ended; a child has to end by "
                 "itself%s%s%s",
                 call.hook == SLOT_HOOK_LOAD ? "library" : "filter", call.filter, slot_hook_name(call.hook),
                 has_request ? " (request " : "", call.request.id, has_request ? ")" : "");
}

void fork_guard_leave(void)
{
    tell();
    for (;;)
        syscall(SYS_exit_group, 1);
}
