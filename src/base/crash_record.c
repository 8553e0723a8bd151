#include "base/crash_record.h"

enum {
    X86_64_RBP = 6,
    X86_64_RSP = 7,
    X86_64_RIP = 16,
    AARCH64_LR = 30,
};

static void make_printable(char *name, size_t capacity)
{
    name[capacity - 1] = '\0';
    for (unsigned char *text = (unsigned char *)name; *text != '\0'; ++text) {
        if (*text < 0x20 || *text >= 0x7f)
            *text = '?';
    }
}

static uint32_t at_most(uint32_t number, uint32_t most)
{
    return number < most ? number : most;
}

/* A path that leaves its room becomes none. */
static void check_mapping(struct crash_record *record, struct crash_mapping *mapping)
{
    bool fits = mapping->path < record->paths_length && mapping->path_length < record->paths_length - mapping->path;
    if (!fits) {
        mapping->path = record->paths_length;
        mapping->path_length = 0;
    }
    if (mapping->end < mapping->start)
        mapping->end = mapping->start;
    record->paths[mapping->path + mapping->path_length] = '\0';
}

bool crash_record_check(struct crash_record *record)
{
    if (record->magic != CRASH_RECORD_MAGIC || record->version != CRASH_RECORD_VERSION ||
        record->size != sizeof(*record) || record->progress == CRASH_EMPTY || record->progress > CRASH_COMPLETE)
        return false;
    record->stack_length = record->progress == CRASH_COMPLETE ? at_most(record->stack_length, CRASH_STACK_BYTES) : 0;
    record->mapping_count = record->progress >= CRASH_MAPPED ? at_most(record->mapping_count, CRASH_MAPPINGS) : 0;
    record->paths_length = at_most(record->paths_length, CRASH_PATHS_BYTES - 1);
    for (uint32_t i = 0; i < record->paths_length; ++i) {
        unsigned char c = (unsigned char)record->paths[i];
        if ((c < 0x20 && c != '\0') || c == 0x7f)
            record->paths[i] = '?';
    }
    for (uint32_t i = 0; i < record->mapping_count; ++i)
        check_mapping(record, &record->mappings[i]);
    record->paths[record->paths_length] = '\0';
    make_printable(record->thread_name, sizeof(record->thread_name));
    slot_make_printable(&record->call);
    return true;
}

const struct crash_mapping *crash_record_find_mapping(const struct crash_record *record, uint64_t address)
{
    for (uint32_t i = 0; i < record->mapping_count; ++i) {
        const struct crash_mapping *mapping = &record->mappings[i];
        if (address >= mapping->start && address < mapping->end)
            return mapping;
    }
    return NULL;
}

const char *crash_record_path(const struct crash_record *record, const struct crash_mapping *mapping)
{
    return record->paths + mapping->path;
}

bool crash_record_read_stack(const struct crash_record *record, uint64_t address, uint64_t *value)
{
    uint64_t offset = address - record->stack_start;
    if (address < record->stack_start || record->stack_length < sizeof(*value) ||
        offset > record->stack_length - sizeof(*value))
        return false;
    memcpy(value, record->stack + offset, sizeof(*value));
    return true;
}

static bool is_code(const struct crash_record *record, uint64_t address)
{
    return crash_record_find_mapping(record, address) != NULL;
}

bool crash_record_leave_nowhere(struct crash_record *record)
{
    uint64_t caller = 0;
    if (is_code(record, record->pc))
        return false;
    if (record->machine == CRASH_MACHINE_X86_64) {
        if (!crash_record_read_stack(record, record->sp, &caller) || !is_code(record, caller))
            return false;
        record->sp += sizeof(caller);
        record->registers[X86_64_RSP] = record->sp;
        record->registers[X86_64_RIP] = caller;
    } else {
        caller = record->registers[AARCH64_LR];
        if (record->machine != CRASH_MACHINE_AARCH64 || !is_code(record, caller))
            return false;
    }
    record->pc = caller;
    return true;
}

size_t crash_record_walk(const struct crash_record *record, uint64_t *frames, size_t most)
{
    size_t count = 0;
    uint64_t fp = record->fp, caller = 0;
    if (most == 0 || record->machine == CRASH_MACHINE_UNKNOWN)
        return 0;
    frames[count++] = record->pc;
    /* both machines keep the caller's frame pointer at fp, and where it goes on behind that */
    while (count < most && crash_record_read_stack(record, fp + sizeof(fp), &caller) && is_code(record, caller)) {
        frames[count++] = caller;
        uint64_t next = 0;
        if (!crash_record_read_stack(record, fp, &next) || next <= fp)
            break;
        fp = next;
    }
    return count;
}
