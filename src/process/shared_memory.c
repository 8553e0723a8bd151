#include "process/shared_memory.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

void *shared_memory_attach_part(int fd, off_t offset, size_t bytes, enum shared_access access)
{
    int protection = access == SHARED_TO_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
    void *memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, offset);
    if (memory == MAP_FAILED)
        return NULL;
    /* Core dumps would be large, and take long while a worker is missing; and there are keys in it. */
    madvise(memory, bytes, MADV_DONTDUMP);
    return memory;
}

static void *map(int fd, size_t bytes, enum shared_access access)
{
    return shared_memory_attach_part(fd, 0, bytes, access);
}

/* Comes after the mapping of our own, which stays writable. */
static bool seal(int fd, enum shared_access others)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (others == SHARED_TO_READ && fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0)
        return true;
    return fcntl(fd, F_ADD_SEALS, seals) == 0;
}

void *shared_memory_create(const char *name, size_t bytes, size_t mapped_bytes, enum shared_access others, int *fd)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd == -1)
        return NULL;
    void *memory = NULL;
    if (ftruncate(*fd, (off_t)bytes) == 0)
        memory = map(*fd, mapped_bytes, SHARED_TO_WRITE);
    if (memory != NULL && seal(*fd, others))
        return memory;
    if (memory != NULL)
        munmap(memory, mapped_bytes);
    file_close_quietly(*fd);
    *fd = -1;
    return NULL;
}

void *shared_memory_adopt(int fd, size_t bytes, size_t mapped_bytes)
{
    const int needed = F_SEAL_SHRINK | F_SEAL_GROW;
    if (shared_memory_size(fd) == bytes && (fcntl(fd, F_GET_SEALS) & needed) == needed)
        return map(fd, mapped_bytes, SHARED_TO_WRITE);
    errno = EINVAL;
    return NULL;
}

size_t shared_memory_size(int fd)
{
    struct stat status;
    return fstat(fd, &status) == -1 || status.st_size < 0 ? 0 : (size_t)status.st_size;
}

void *shared_memory_attach(int fd, size_t bytes, enum shared_access access)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return NULL;
    if (status.st_size == (off_t)bytes)
        return map(fd, bytes, access);
    errno = EINVAL;
    return NULL;
}
