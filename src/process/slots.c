#include "process/slots.h"

#include "process/shared_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Both are whole pages, however large the machine's are. */
static const size_t items_bytes = (SLOTS_COUNT * sizeof(struct slot) + 65535) / 65536 * 65536;
static const size_t details_bytes = (sizeof(struct slot_details) + 65535) / 65536 * 65536;

static size_t region_bytes(void)
{
    return items_bytes + SLOTS_COUNT * details_bytes;
}

static off_t find_details(int number)
{
    return (off_t)(items_bytes + (size_t)number * details_bytes);
}

static bool is_number(int number)
{
    return number >= 0 && number < SLOTS_COUNT;
}

bool slots_open(struct slots *slots)
{
    *slots = (struct slots){.fd = -1};
    slots->items = shared_memory_create("flexilib-slots", region_bytes(), items_bytes, SHARED_TO_WRITE, &slots->fd);
    return slots->items != NULL;
}

bool slots_adopt(struct slots *slots, int fd, int64_t version)
{
    void *items = version == SLOT_VERSION ? shared_memory_adopt(fd, region_bytes(), items_bytes) : NULL;
    if (items == NULL)
        return false;
    *slots = (struct slots){.fd = fd, .items = items};
    return true;
}

void slots_close(struct slots *slots)
{
    if (slots->items != NULL)
        munmap(slots->items, items_bytes);
    if (slots->fd != -1)
        close(slots->fd);
    slots->items = NULL;
    slots->fd = -1;
}

/* What is behind the slots goes back to the kernel, and is zero when somebody looks again. */
static void wipe(struct slots *slots, int number)
{
    memset(&slots->items[number], 0, sizeof(struct slot));
    fallocate(slots->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, find_details(number), (off_t)details_bytes);
}

int slots_take(struct slots *slots)
{
    for (int number = 0; number < SLOTS_COUNT; ++number) {
        if (slots->is_taken[number])
            continue;
        slots->is_taken[number] = true;
        wipe(slots, number);
        return number;
    }
    return -1;
}

void slots_keep(struct slots *slots, int number)
{
    slots->is_taken[number] = true;
}

void slots_release(struct slots *slots, int number)
{
    if (!is_number(number))
        return;
    slots->is_taken[number] = false;
    /* its siblings read it */
    wipe(slots, number);
}

struct slot slots_read(const struct slots *slots, int number)
{
    struct slot copy = {0};
    if (!is_number(number))
        return copy;
    memcpy(&copy, &slots->items[number], sizeof(copy));
    if (copy.magic != SLOT_MAGIC || copy.version != SLOT_VERSION || copy.size != sizeof(copy))
        return (struct slot){0};
    slot_make_printable(&copy.call);
    return copy;
}

/* Read, not mapped: the supervisor needs it once in a worker's life, and what it has read no longer changes. */
static bool read_part(const struct slots *slots, int number, size_t offset, void *part, size_t length)
{
    return is_number(number) && pread(slots->fd, part, length, find_details(number) + (off_t)offset) == (ssize_t)length;
}

void slots_read_threads(const struct slots *slots, int number, struct slot_threads *copy)
{
    if (!read_part(slots, number, offsetof(struct slot_details, threads), copy, sizeof(*copy)))
        copy->count = 0;
    if (copy->count > SLOT_THREADS)
        copy->count = SLOT_THREADS;
    for (uint32_t i = 0; i < copy->count; ++i)
        slot_make_printable(&copy->calls[i]);
}

static size_t find_record(enum slot_record which)
{
    return offsetof(struct slot_details, records) + (size_t)which * sizeof(struct crash_record);
}

struct crash_record *slots_read_record(const struct slots *slots, int number, enum slot_record which)
{
    uint32_t head[4]; /* magic, version, size, progress: nearly always there is none */
    if (!read_part(slots, number, find_record(which), head, sizeof(head)) || head[0] != CRASH_RECORD_MAGIC)
        return NULL;
    struct crash_record *copy = malloc(sizeof(*copy));
    if (copy != NULL && read_part(slots, number, find_record(which), copy, sizeof(*copy)) && crash_record_check(copy))
        return copy;
    free(copy);
    return NULL;
}

struct slot *slots_attach(int fd, int number, pid_t pid)
{
    struct slot *items = NULL;
    if (is_number(number) && shared_memory_size(fd) == region_bytes())
        items = shared_memory_attach_part(fd, 0, items_bytes, SHARED_TO_WRITE);
    if (items == NULL)
        return NULL;
    struct slot *slot = &items[number];
    *slot = (struct slot){.magic = SLOT_MAGIC, .version = SLOT_VERSION, .size = sizeof(*slot), .pid = pid};
    return slot;
}

struct slot_details *slots_attach_details(int fd, int number)
{
    if (!is_number(number) || shared_memory_size(fd) != region_bytes())
        return NULL;
    return shared_memory_attach_part(fd, find_details(number), details_bytes, SHARED_TO_WRITE);
}
