#include "runner/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static struct progress *map(int memory)
{
    void *mapped = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static bool send_descriptor(int fd, int memory)
{
    char byte = 'P';
    union control control = {0};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &memory, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == 1;
}

struct progress *progress_offer(int fd)
{
    struct progress *progress = NULL;
    int memory = memfd_create("flexilib-progress", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory == -1)
        return NULL;
    if (ftruncate(memory, sizeof(struct progress)) == 0 && fcntl(memory, F_ADD_SEALS, SEALS) == 0)
        progress = map(memory);
    if (progress != NULL && !send_descriptor(fd, memory)) {
        progress_close(progress);
        progress = NULL;
    }
    int saved = errno;
    close(memory);
    errno = saved;
    return progress;
}

/* Returns -1 where none came. */
static int receive_descriptor(int fd)
{
    char byte;
    int memory = -1;
    union control control = {0};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&memory, CMSG_DATA(head), sizeof(int));
    return memory;
}

struct progress *progress_accept(int fd)
{
    struct stat status;
    int memory = receive_descriptor(fd);
    if (memory == -1)
        return NULL;
    bool is_good = fstat(memory, &status) == 0 && status.st_size == (off_t)sizeof(struct progress) &&
                   (fcntl(memory, F_GET_SEALS) & SEALS) == SEALS;
    struct progress *progress = is_good ? map(memory) : NULL;
    close(memory);
    return progress;
}

void progress_tell_late(struct progress *progress, const char request[SLOT_REQUEST_BYTES])
{
    memcpy(progress->late, request, SLOT_REQUEST_BYTES);
}

bool progress_is_late(const struct progress *progress, struct slice request)
{
    char late[SLOT_REQUEST_BYTES];
    memcpy(late, progress->late, sizeof(late));
    size_t length = strnlen(late, sizeof(late));
    size_t shown = request.length < sizeof(late) ? request.length : sizeof(late) - 1;
    return length != 0 && slice_equals(slice_of(late, length), slice_of(request.data, shown));
}

void progress_close(struct progress *progress)
{
    if (progress != NULL)
        munmap(progress, sizeof(*progress));
}
