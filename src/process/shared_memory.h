#ifndef FLEXILIB_PROCESS_SHARED_MEMORY_H
#define FLEXILIB_PROCESS_SHARED_MEMORY_H

/* Memory that the supervisor makes and its workers map from a descriptor. Its size is sealed: otherwise a worker could
 * shrink it, and so kill whoever reads it. What stands in it is the concern of the regions (slots.h, server_region.h
 * and the like). */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum shared_access {
    SHARED_TO_READ = 0, /* as far as the kernel can see to that: those before 5.1 let others write too */
    SHARED_TO_WRITE,
};

/* Makes memory of that size, all zero, and maps its first bytes for writing; others get the access that is said. The
 * caller unmaps it and closes *fd, which no program inherits by itself. Returns NULL with errno set, *fd being -1. */
void *shared_memory_create(const char *name, size_t bytes, size_t mapped_bytes, enum shared_access others, int *fd);

/* How many bytes it has; 0 with errno set where it is none. */
size_t shared_memory_size(int fd);

/* Maps that part of it, which begins at a page. NULL with errno set. */
void *shared_memory_attach_part(int fd, off_t offset, size_t bytes, enum shared_access access);

/* Maps the first bytes of memory that a supervisor before us has made, for writing; others keep the access they have.
 * Returns NULL with errno set: EINVAL where it has another size, or one that is not sealed. */
void *shared_memory_adopt(int fd, size_t bytes, size_t mapped_bytes);

/* Maps memory that another process has made. Returns NULL with errno set: EINVAL where it has another size. */
void *shared_memory_attach(int fd, size_t bytes, enum shared_access access);

#endif
