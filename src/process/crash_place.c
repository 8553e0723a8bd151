#include "process/crash_place.h"

#include <inttypes.h>
#include <string.h>

enum {
    WORDS_LOOKED_AT = 2048,
};

static bool is_below(const char *path, const char *folder)
{
    size_t length = folder == NULL ? 0 : strlen(folder);
    return length != 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

static struct crash_place describe(const struct crash_record *record, const char *snapshot, uint64_t address)
{
    struct crash_place place = {.address = address, .mapping = crash_record_find_mapping(record, address)};
    place.is_of_library = place.mapping != NULL && is_below(crash_record_path(record, place.mapping), snapshot);
    return place;
}

/* By frame pointers, those of what was called before it led to nowhere included. */
static bool find_in_frames(const struct crash_record *record, const char *snapshot, struct crash_place *place)
{
    uint64_t frames[CRASH_FRAMES];
    size_t count = crash_record_walk(record, frames, CRASH_FRAMES);
    for (size_t i = 0; i < count; ++i) {
        *place = describe(record, snapshot, frames[i]);
        if (place->is_of_library)
            return true;
    }
    return false;
}

/* Further up there is much that is left of other calls. */
static bool find_on_stack(const struct crash_record *record, const char *snapshot, struct crash_place *place)
{
    uint64_t word;
    for (uint64_t i = 0; i < WORDS_LOOKED_AT && crash_record_read_stack(record, record->sp + i * sizeof(word), &word);
         ++i) {
        *place = describe(record, snapshot, word);
        place->is_guess = true;
        if (place->is_of_library)
            return true;
    }
    return false;
}

struct crash_place crash_place_find(const struct crash_record *record, const char *snapshot)
{
    struct crash_place exact = describe(record, snapshot, record->pc), other;
    if (exact.is_of_library || snapshot == NULL)
        return exact;
    bool runs_library = record->thread == CRASH_THREAD_OTHER || record->call.hook != SLOT_HOOK_NONE;
    if (find_in_frames(record, snapshot, &other) || (runs_library && find_on_stack(record, snapshot, &other)))
        return other;
    return exact;
}

void crash_place_print(const struct crash_record *record, uint64_t address, struct text *out)
{
    const struct crash_mapping *mapping = crash_record_find_mapping(record, address);
    const char *path = mapping == NULL ? "" : crash_record_path(record, mapping);
    const char *slash = strrchr(path, '/');
    if (path[0] == '\0')
        text_print(out, "0x%" PRIx64, address);
    else
        text_print(out, "%s+0x%" PRIx64, slash == NULL ? path : slash + 1, address - mapping->base);
}

void crash_place_print_frames(const struct crash_record *record, struct text *out)
{
    uint64_t frames[CRASH_FRAMES];
    size_t count = crash_record_walk(record, frames, CRASH_FRAMES);
    for (size_t i = 0; i < count; ++i) {
        text_print(out, "#%zu ", i);
        crash_place_print(record, frames[i], out);
        text_add_char(out, '\n');
    }
}
