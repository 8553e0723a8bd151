#include "base/elf.h"
#include "base/elf_needs.h"
#include "fuzz.h"

#include "base/file.h"

#include <sys/mman.h>
#include <unistd.h>

/* Only the look beforehand is tried: what passes it would be run by dlopen. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct error error = ERROR_INIT;
    char path[64];
    int fd = memfd_create("fuzz.so", MFD_CLOEXEC);
    CLAIM(fd != -1 && file_write_all(fd, slice_of((const char *)bytes, size)));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    bool is_good = elf_check(path, "fuzz.so", &error);
    CLAIM(is_good != error.is_set);
    struct arena arena;
    struct elf_needs needs;
    arena_init(&arena, 0);
    CLAIM(!elf_needs_read(path, &arena, &needs) || is_good);
    for (size_t i = 0; i < needs.count; ++i)
        CLAIM(needs.names[i][0] != '\0');
    arena_finish(&arena);
    elf_is_for_us(path);
    elf_is_cut_short(fd);
    close(fd);
    return 0;
}
