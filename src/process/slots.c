#include "process/slots.h"

#include "process/shared_memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t region_bytes = SLOTS_COUNT * sizeof(struct slot);

bool slots_open(struct slots *slots)
{
    *slots = (struct slots){.fd = -1};
    slots->items = shared_memory_create("flexilib-slots", region_bytes, region_bytes, SHARED_TO_WRITE, &slots->fd);
    return slots->items != NULL;
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
    struct slot *items = NULL;
    if (number >= 0 && number < SLOTS_COUNT)
        items = shared_memory_attach(fd, region_bytes, SHARED_TO_WRITE);
    if (items == NULL)
        return NULL;
    struct slot *slot = &items[number];
    *slot = (struct slot){.magic = SLOT_MAGIC, .version = SLOT_VERSION, .size = sizeof(*slot), .pid = pid};
    return slot;
}
