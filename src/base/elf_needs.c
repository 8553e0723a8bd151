#include "base/elf_needs.h"

#include "base/elf_own.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    MOST_ENTRIES = 4096,
    MOST_STRINGS = 64 << 20,
};

/* The dynamic segment, and the strings it refers to. */
struct dynamic {
    ElfW(Dyn) * entries;
    size_t count;
    const char *strings; /* NUL-terminated */
    size_t size;
};

static ElfW(Phdr) * read_segments(const struct elf_file *file, struct arena *arena)
{
    size_t size = file->head.e_phnum * sizeof(ElfW(Phdr));
    ElfW(Phdr) *segments = arena_alloc(arena, size + 1);
    return elf_file_read_at(file, file->head.e_phoff, segments, size) ? segments : NULL;
}

/* Where in the file stands what is mapped there; the file's size for nowhere. */
static uint64_t find_offset(const struct elf_file *file, const ElfW(Phdr) * segments, uint64_t address)
{
    for (unsigned i = 0; i < file->head.e_phnum; ++i) {
        const ElfW(Phdr) *segment = &segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
            return segment->p_offset + (address - segment->p_vaddr);
    }
    return file->size;
}

static bool read_entries(const struct elf_file *file, const ElfW(Phdr) * segments, struct arena *arena,
                         struct dynamic *dynamic)
{
    for (unsigned i = 0; i < file->head.e_phnum; ++i) {
        if (segments[i].p_type != PT_DYNAMIC)
            continue;
        dynamic->count = segments[i].p_filesz / sizeof(*dynamic->entries);
        if (dynamic->count > MOST_ENTRIES)
            return false;
        dynamic->entries = arena_alloc(arena, dynamic->count * sizeof(*dynamic->entries) + 1);
        return elf_file_read_at(file, segments[i].p_offset, dynamic->entries,
                                dynamic->count * sizeof(*dynamic->entries));
    }
    return false;
}

static uint64_t find_value(const struct dynamic *dynamic, int64_t tag)
{
    for (size_t i = 0; i < dynamic->count && dynamic->entries[i].d_tag != DT_NULL; ++i) {
        if (dynamic->entries[i].d_tag == tag)
            return dynamic->entries[i].d_un.d_val;
    }
    return UINT64_MAX;
}

static bool read_strings(const struct elf_file *file, const ElfW(Phdr) * segments, struct arena *arena,
                         struct dynamic *dynamic)
{
    uint64_t offset = find_offset(file, segments, find_value(dynamic, DT_STRTAB));
    uint64_t size = find_value(dynamic, DT_STRSZ);
    if (size > MOST_STRINGS)
        return false;
    char *strings = arena_alloc(arena, size + 1);
    strings[size] = '\0';
    dynamic->strings = strings;
    dynamic->size = size;
    return elf_file_read_at(file, offset, strings, size);
}

static const char *string_at(const struct dynamic *dynamic, uint64_t offset)
{
    return offset < dynamic->size ? dynamic->strings + offset : NULL;
}

static void take_names(const struct dynamic *dynamic, struct arena *arena, struct elf_needs *needs)
{
    needs->names = arena_alloc(arena, (dynamic->count + 1) * sizeof(*needs->names));
    for (size_t i = 0; i < dynamic->count && dynamic->entries[i].d_tag != DT_NULL; ++i) {
        if (dynamic->entries[i].d_tag != DT_NEEDED)
            continue;
        const char *name = string_at(dynamic, dynamic->entries[i].d_un.d_val);
        if (name != NULL && name[0] != '\0')
            needs->names[needs->count++] = name;
    }
}

static bool read_file(struct elf_file *file, struct arena *arena, struct elf_needs *needs)
{
    struct error error = ERROR_INIT;
    struct dynamic dynamic = {0};
    if (!elf_file_check(file, &error))
        return false;
    ElfW(Phdr) *segments = read_segments(file, arena);
    if (segments == NULL || !read_entries(file, segments, arena, &dynamic) ||
        !read_strings(file, segments, arena, &dynamic))
        return false;
    needs->soname = string_at(&dynamic, find_value(&dynamic, DT_SONAME));
    needs->runpath = string_at(&dynamic, find_value(&dynamic, DT_RUNPATH));
    needs->rpath = string_at(&dynamic, find_value(&dynamic, DT_RPATH));
    take_names(&dynamic, arena, needs);
    return true;
}

bool elf_needs_read(const char *path, struct arena *arena, struct elf_needs *needs)
{
    *needs = (struct elf_needs){0};
    struct elf_file file = {.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file.fd == -1)
        return false;
    bool is_read = read_file(&file, arena, needs);
    close(file.fd);
    return is_read;
}
