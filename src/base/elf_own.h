#ifndef FLEXILIB_BASE_ELF_OWN_H
#define FLEXILIB_BASE_ELF_OWN_H

/* What elf.c and elf_needs.c share. */

#include "base/error.h"

#include <link.h>

struct elf_file {
    int fd;
    const char *path; /* for messages */
    uint64_t size;
    bool is_cut_short;
    ElfW(Ehdr) head;
};

/* Reads so many bytes. Returns false where they are not there. */
bool elf_file_read_at(const struct elf_file *file, uint64_t offset, void *buffer, size_t size);

/* Fills in size and head. Returns false and fills error where it is no whole shared object for this machine. */
bool elf_file_check(struct elf_file *file, struct error *error);

#endif
