#include "filter/body_store.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FIRST_BYTES = 16 * 1024,
};

static bool tell_failure(const char *what)
{
    log_line(LOG_LEVEL_ERROR, "a file for a body cannot be %s: %s", what, strerror(errno));
    return false;
}

/* A file without a name leaves nothing behind, whatever becomes of the worker. */
static int open_file(void)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/flexilib-body-XXXXXX", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd != -1)
        unlink(path);
    return fd;
}

static bool write_file(const struct body_store *store, struct slice data)
{
    while (data.length != 0) {
        ssize_t written = write(store->fd - 1, data.data, data.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return tell_failure("written");
        data = slice_skip(data, (size_t)written);
    }
    return true;
}

static bool move_to_file(struct body_store *store)
{
    int fd = open_file();
    if (fd == -1)
        return tell_failure("opened");
    store->fd = fd + 1;
    if (!write_file(store, slice_of(store->data, store->length)))
        return false;
    free(store->data);
    store->data = NULL;
    store->capacity = 0;
    return true;
}

static bool grow(struct body_store *store, size_t needed, size_t most_bytes)
{
    size_t capacity = store->capacity == 0 ? FIRST_BYTES : store->capacity * 2;
    if (needed <= store->capacity)
        return true;
    if (capacity > most_bytes)
        capacity = most_bytes;
    if (capacity < needed)
        capacity = needed;
    char *grown = mem_try_realloc(store->data, capacity);
    if (grown == NULL)
        return false;
    store->data = grown;
    store->capacity = capacity;
    return true;
}

bool body_store_add(struct body_store *store, struct slice data, size_t most_bytes)
{
    size_t length = store->length + data.length;
    if (data.length == 0)
        return true;
    if (store->fd == 0 && length > most_bytes && !move_to_file(store))
        return false;
    if (store->fd != 0) {
        if (!write_file(store, data))
            return false;
    } else {
        if (!grow(store, length, most_bytes))
            return false;
        memcpy(store->data + store->length, data.data, data.length);
    }
    store->length = length;
    return true;
}

bool body_store_read(struct body_store *store, struct slice *whole)
{
    if (store->fd != 0 && !store->is_mapped) {
        void *mapped = mmap(NULL, store->length, PROT_READ, MAP_PRIVATE, store->fd - 1, 0);
        if (mapped == MAP_FAILED)
            return tell_failure("mapped");
        store->data = mapped;
        store->is_mapped = true;
    }
    *whole = slice_of(store->data, store->length);
    return true;
}

void body_store_finish(struct body_store *store)
{
    if (store->is_mapped)
        munmap(store->data, store->length);
    else
        free(store->data);
    if (store->fd != 0)
        close(store->fd - 1);
    *store = (struct body_store){0};
}
