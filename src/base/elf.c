#include "base/elf.h"

#include "base/elf_own.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__i386__)
#define OWN_MACHINE EM_386
#elif defined(__arm__)
#define OWN_MACHINE EM_ARM
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390__)
#define OWN_MACHINE EM_S390
#else
#error "name the ELF machine of this platform here"
#endif

#if __ELF_NATIVE_CLASS == 64
#define OWN_CLASS ELFCLASS64
#else
#define OWN_CLASS ELFCLASS32
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

static const char *describe_machine(unsigned machine)
{
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "64-bit ARM";
    case EM_386:
        return "32-bit x86";
    case EM_ARM:
        return "32-bit ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "64-bit PowerPC";
    case EM_S390:
        return "s390";
    default:
        return "another machine";
    }
}

bool elf_file_read_at(const struct elf_file *file, uint64_t offset, void *buffer, size_t size)
{
    if (offset > file->size || size > file->size - offset)
        return false;
    char *next = buffer;
    while (size != 0) {
        ssize_t got = pread(file->fd, next, size, (off_t)offset);
        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        next += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

static bool reaches_beyond(const struct elf_file *file, uint64_t offset, uint64_t size)
{
    return offset > file->size || size > file->size - offset;
}

static bool fail_truncated(struct elf_file *file, struct error *error)
{
    file->is_cut_short = true;
    return error_set(error, "%s: is cut short (%llu bytes are there, its tables name more): copy or build it again",
                     file->path, (unsigned long long)file->size);
}

static bool check_identity(struct elf_file *file, struct error *error)
{
    unsigned char identity[EI_NIDENT];
    if (!elf_file_read_at(file, 0, identity, SELFMAG) || memcmp(identity, ELFMAG, SELFMAG) != 0)
        return error_set(error,
                         "%s: is no shared library (it does not start with the ELF mark): build one with -shared",
                         file->path);
    if (!elf_file_read_at(file, 0, identity, sizeof(identity)))
        return fail_truncated(file, error);
    if (identity[EI_CLASS] != OWN_CLASS)
        return error_set(error, "%s: is a %s-bit library, this FlexiLib needs %d-bit ones", file->path,
                         identity[EI_CLASS] == ELFCLASS32   ? "32"
                         : identity[EI_CLASS] == ELFCLASS64 ? "64"
                                                            : "not 32 nor 64",
                         __ELF_NATIVE_CLASS);
    if (identity[EI_DATA] != OWN_ORDER)
        return error_set(error, "%s: is built for a machine with the other byte order, this one is %s", file->path,
                         describe_machine(OWN_MACHINE));
    if (!elf_file_read_at(file, 0, &file->head, sizeof(file->head)))
        return fail_truncated(file, error);
    return true;
}

static bool check_kind(const struct elf_file *file, struct error *error)
{
    unsigned machine = file->head.e_machine;
    if (machine != OWN_MACHINE)
        return error_set(error, "%s: is built for %s (ELF machine %u), this machine is %s", file->path,
                         describe_machine(machine), machine, describe_machine(OWN_MACHINE));
    switch (file->head.e_type) {
    case ET_DYN:
        return true;
    case ET_REL:
        return error_set(error, "%s: is an object file, not a shared library: link it with -shared", file->path);
    case ET_EXEC:
        return error_set(error, "%s: is a program, not a shared library: build it with -shared -fPIC", file->path);
    default:
        return error_set(error, "%s: is no shared library (ELF type %u): build one with -shared", file->path,
                         (unsigned)file->head.e_type);
    }
}

static bool check_segments(struct elf_file *file, struct error *error)
{
    const ElfW(Ehdr) *head = &file->head;
    bool has_dynamic = false;
    if (head->e_phnum != 0 && head->e_phentsize != sizeof(ElfW(Phdr)))
        return error_set(error, "%s: is damaged (its table of segments has entries of %u bytes)", file->path,
                         (unsigned)head->e_phentsize);
    if (reaches_beyond(file, head->e_phoff, (uint64_t)head->e_phnum * sizeof(ElfW(Phdr))))
        return fail_truncated(file, error);
    for (unsigned i = 0; i < head->e_phnum; ++i) {
        ElfW(Phdr) segment;
        if (!elf_file_read_at(file, head->e_phoff + (uint64_t)i * sizeof(segment), &segment, sizeof(segment)))
            return fail_truncated(file, error);
        has_dynamic = has_dynamic || segment.p_type == PT_DYNAMIC;
        if (segment.p_type != PT_NULL && reaches_beyond(file, segment.p_offset, segment.p_filesz))
            return fail_truncated(file, error);
    }
    if (!has_dynamic)
        return error_set(error, "%s: is no shared library (it has no dynamic segment): build one with -shared",
                         file->path);
    return true;
}

/* The section table stands at the end of a file, so it is what a copy under way lacks. Stripped files may have none. */
static bool check_sections(struct elf_file *file, struct error *error)
{
    const ElfW(Ehdr) *head = &file->head;
    if (head->e_shoff == 0 || head->e_shnum == 0)
        return true;
    if (head->e_shentsize != sizeof(ElfW(Shdr)))
        return error_set(error, "%s: is damaged (its table of sections has entries of %u bytes)", file->path,
                         (unsigned)head->e_shentsize);
    if (reaches_beyond(file, head->e_shoff, (uint64_t)head->e_shnum * sizeof(ElfW(Shdr))))
        return fail_truncated(file, error);
    for (unsigned i = 0; i < head->e_shnum; ++i) {
        ElfW(Shdr) section;
        if (!elf_file_read_at(file, head->e_shoff + (uint64_t)i * sizeof(section), &section, sizeof(section)))
            return fail_truncated(file, error);
        if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
            reaches_beyond(file, section.sh_offset, section.sh_size))
            return fail_truncated(file, error);
    }
    return true;
}

bool elf_file_check(struct elf_file *file, struct error *error)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return error_set(error, "%s: cannot be read: %s", file->path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(error, "%s: is a folder, a shared library is needed", file->path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, "%s: is no regular file, a shared library is needed", file->path);
    file->is_cut_short = status.st_size == 0;
    if (file->is_cut_short)
        return error_set(error, "%s: is empty, a shared library is needed", file->path);
    file->size = (uint64_t)status.st_size;
    return check_identity(file, error) && check_kind(file, error) && check_segments(file, error) &&
           check_sections(file, error);
}

bool elf_check(const char *load_path, const char *path, struct error *error)
{
    struct elf_file file = {.path = path};
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang */
    file.fd = open(load_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file.fd == -1 && errno == ENOENT)
        return error_set(error, "%s: there is no such file", path);
    if (file.fd == -1)
        return error_set(error, "%s: cannot be opened: %s", path, strerror(errno));
    bool is_good = elf_file_check(&file, error);
    close(file.fd);
    return is_good;
}

bool elf_is_cut_short(int fd)
{
    struct elf_file file = {.fd = fd, .path = ""};
    struct error error = ERROR_INIT;
    return !elf_file_check(&file, &error) && file.is_cut_short;
}

bool elf_is_for_us(const char *path)
{
    ElfW(Ehdr) head;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool is_whole = fd != -1 && pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head);
    if (fd != -1)
        close(fd);
    if (!is_whole || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return true;
    return head.e_ident[EI_CLASS] == OWN_CLASS && head.e_ident[EI_DATA] == OWN_ORDER && head.e_machine == OWN_MACHINE;
}
