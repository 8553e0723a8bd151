#include "process/slots.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t region_bytes = SLOTS_COUNT * sizeof(struct slot);

static struct slot *map_region(int fd)
{
    void *region = mmap(NULL, region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return region == MAP_FAILED ? NULL : region;
}

/* Without the seals a worker could shrink the file and so kill whoever reads it. */
bool slots_open(struct slots *slots)
{
    *slots = (struct slots){.fd = memfd_create("flexilib-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (slots->fd == -1)
        return false;
    if (ftruncate(slots->fd, (off_t)region_bytes) == 0 &&
        fcntl(slots->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        slots->items = map_region(slots->fd);
    if (slots->items != NULL)
        return true;
    slots_close(slots);
    return false;
}

void slots_close(struct slots *slots)
{
    if (slots->items != NULL)
        munmap(slots->items, region_bytes);
    if (slots->fd != -1)
        close(slots->fd);
    slots->items = NULL;
    slots->fd = -1;
}

int slots_take(struct slots *slots)
{
    for (int number = 0; number < SLOTS_COUNT; ++number) {
        if (slots->is_taken[number])
            continue;
        slots->is_taken[number] = true;
        memset(&slots->items[number], 0, sizeof(struct slot));
        return number;
    }
    return -1;
}

void slots_release(struct slots *slots, int number)
{
    if (number < 0 || number >= SLOTS_COUNT)
        return;
    slots->is_taken[number] = false;
    /* its siblings read it */
    memset(&slots->items[number], 0, sizeof(struct slot));
}

static void make_printable(char *text, size_t capacity)
{
    text[capacity - 1] = '\0';
    for (; *text != '\0'; ++text) {
        if (*text < 0x20 || *text == 0x7f || *text == '\'')
            *text = '?';
    }
}

struct slot slots_read(const struct slots *slots, int number)
{
    struct slot copy = {0};
    if (number < 0 || number >= SLOTS_COUNT)
        return copy;
    memcpy(&copy, &slots->items[number], sizeof(copy));
    if (copy.magic != SLOT_MAGIC || copy.version != SLOT_VERSION || copy.size != sizeof(copy))
        return (struct slot){0};
    make_printable(copy.filter, sizeof(copy.filter));
    make_printable(copy.request, sizeof(copy.request));
    return copy;
}

struct slot *slots_attach(int fd, int number, pid_t pid)
{
    struct slot *items = number < 0 || number >= SLOTS_COUNT ? NULL : map_region(fd);
    if (items == NULL)
        return NULL;
    struct slot *slot = &items[number];
    *slot = (struct slot){.magic = SLOT_MAGIC, .version = SLOT_VERSION, .size = sizeof(*slot), .pid = pid};
    return slot;
}
